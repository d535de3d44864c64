import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { withLock } from '../../setup/lock.mjs';
import { createSteps } from '../../setup/steps.mjs';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { SettingsInput } from '../cloud/settings.ts';
import type { RunningCloud } from '../cloud/start.ts';
import { findServer, type ServerProcess } from '../servers/server-process.ts';
import type { TemporalServer } from '../servers/temporal.ts';
import { readToolchain } from '../toolchain.ts';
import { BANK, waitForApplications } from './applications.ts';
import { createLabClients, type LabClients } from './aws-clients.ts';
import { readMachine } from './cloud-control.ts';
import { writeConfigFile } from './config-file.ts';
import { ensureKmsKey } from './kms-key.ts';
import { labEnv } from './lab-env.ts';
import { ensureLabPlan, type LabPlan } from './lab-plan.ts';
import { ensureCloud, ensureLedger, ensureS3, ensureTemporal, type ServerOptions } from './lab-servers.ts';
import { type LabStatus, writeLabStatus } from './lab-status.ts';
import {
  ensureIsolatedNetwork,
  ensureProductionNetwork,
  type IsolatedNetwork,
  type ProductionNetwork,
} from './networks.ts';
import { initProduct, type LabEnv, startWorker, workerName } from './product.ts';
import { ensureImage, ensureProduction, type ProductionMachine } from './production-machine.ts';
import { stopLab } from './stop-lab.ts';
import { ensureImageSnapshot } from './upload-image.ts';

export interface LabOptions {
  readonly stateDir: string;
  /** Progress with times; nothing is written without it. */
  readonly write?: (text: string) => void;
  /** What a test wants different: settings of the local cloud, limits of the configuration. */
  readonly cloud?: Partial<SettingsInput>;
  readonly limits?: ConfigInput['limits'];
  readonly recipes?: ConfigInput['recipes'];
  readonly instanceType?: string;
  /** Servers outlive this process (default); otherwise they end with it. */
  readonly detached?: boolean;
}

/** A running lab: a cloud with a production machine, and everything that the product needs beside it. */
export interface Lab {
  readonly status: LabStatus;
  readonly plan: LabPlan;
  /** For the product: the person's credentials, or those of a worker's role. */
  env(role?: 'control' | 'mover'): LabEnv;
  /** A worker of the product; it ends with this process unless `detached`, then with `stop`. */
  startWorker(role: 'control' | 'mover', options?: { readonly detached?: boolean }): Promise<ServerProcess>;
  /** One that an earlier process left running. */
  findWorker(role: 'control' | 'mover'): ServerProcess | undefined;
  /** Ends everything in order and leaves the folder as it is. */
  stop(): Promise<void>;
}

/** Brings the lab up. Repeatable: what runs is adopted, what exists is found, what was killed half-way is finished. */
export async function startLab(options: LabOptions): Promise<Lab> {
  const stateDir = resolve(options.stateDir);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  return withLock(join(stateDir, 'lab.lock'), () => bringUp({ ...options, stateDir }));
}

type Step = ReturnType<typeof createSteps>;

async function bringUp({ stateDir, write = () => {}, ...options }: LabOptions): Promise<Lab> {
  const step = createSteps({ write, now: () => performance.now() });
  const plan = ensureLabPlan(stateDir);
  const { detached = true, cloud: cloudSettings = {} } = options;
  const { temporal, s3, cloud } = await startServers(step, { stateDir, plan, detached, cloud: cloudSettings });
  const at = cloud.endpoint;
  const clients = createLabClients({ ec2: at, ebs: at, ssm: at, kms: at }, plan);
  try {
    const account = await makeAccount(step, { clients, plan });
    const production = await makeProduction(step, {
      clients,
      account,
      cloud,
      instanceType: options.instanceType ?? 't3.small',
    });
    const status = describeLab({ stateDir, plan, temporal, s3: s3.endpoint, cloud, account, production });
    const { kmsKeyId, url: vaultUrl } = status.vault;
    await writeConfigFile(stateDir, {
      vaultUrl,
      kmsKeyId,
      isolation: account.isolated,
      limits: options.limits,
      recipes: options.recipes,
    });
    await step('product', async () => {
      await initProduct(labEnv(status, plan.deploymentId));
      return {
        result: undefined,
        found: `${vaultUrl}, search attributes, deployment ${plan.deploymentId}`,
        cached: false,
      };
    });
    writeLabStatus(status);
    return makeLab(status, plan);
  } finally {
    clients.destroy();
  }
}

async function startServers(step: Step, options: ServerOptions) {
  // Side by side: each mostly waits for its own process.
  const [temporal, s3, cloud] = await Promise.all([
    step('temporal', async () => {
      const result = await ensureTemporal(options);
      return { result, found: `${result.address}, ${result.ui ?? 'no web interface'}`, cached: false };
    }),
    step('s3', async () => {
      const result = await ensureS3(options);
      return { result, found: `${result.endpoint}, bucket ${result.bucket}`, cached: false };
    }),
    step('local cloud', async () => {
      const ledger = await ensureLedger(options);
      const result = await ensureCloud(options, ledger.port);
      return { result, found: `${result.endpoint} (ec2, ebs, ssm, kms, sts)`, cached: false };
    }),
  ]);
  return { temporal, s3, cloud };
}

interface Account {
  readonly production: ProductionNetwork;
  readonly isolated: IsolatedNetwork;
  readonly kmsKeyId: string;
  readonly imageId: string;
}

interface AccountRequest {
  readonly clients: LabClients;
  readonly plan: LabPlan;
}

async function makeAccount(step: Step, { clients, plan }: AccountRequest): Promise<Account> {
  const { guest } = readToolchain();
  const networks = await step('networks', async () => {
    const production = await ensureProductionNetwork(clients.ec2, plan.zone);
    const isolated = await ensureIsolatedNetwork(clients.ec2, plan.zone);
    const kmsKeyId = await ensureKmsKey(clients.kms);
    return {
      result: { production, isolated, kmsKeyId },
      found: `production ${production.subnetId}, isolated ${isolated.subnetId}`,
      cached: false,
    };
  });
  const imageId = await step('image', async () => {
    const upload = (part: 'root' | 'data') =>
      ensureImageSnapshot(clients, { name: `guest-${guest.key}-${part}`, file: guest[part] });
    const [rootSnapshotId, dataSnapshotId] = await Promise.all([upload('root'), upload('data')]);
    const result = await ensureImage(clients.ec2, { name: `guest-${guest.key}`, rootSnapshotId, dataSnapshotId });
    return { result, found: `${result} from ${rootSnapshotId} and ${dataSnapshotId}`, cached: false };
  });
  return { ...networks, imageId };
}

interface ProductionRequest {
  readonly clients: LabClients;
  readonly account: Account;
  readonly cloud: RunningCloud;
  readonly instanceType: string;
}

interface Production extends ProductionMachine {
  readonly postgresql: number;
  readonly redis: number;
}

function makeProduction(step: Step, request: ProductionRequest): Promise<Production> {
  const { clients, account, cloud, instanceType } = request;
  return step('production', async () => {
    const wish = { imageId: account.imageId, instanceType, network: account.production };
    const machine = await ensureProduction(clients.ec2, wish);
    const { ports } = await readMachine(cloud.control, machine.instanceId);
    const [postgresql, redis] = [ports['5432'], ports['6379']];
    if (postgresql === undefined || redis === undefined) {
      throw new Error(`the local cloud opened no ports for the applications of ${machine.instanceId}`);
    }
    await waitForApplications({ postgresql, redis });
    const { versions } = readToolchain().guest;
    const found = `${machine.instanceId}: PostgreSQL ${versions.postgresql}, Redis ${versions.redis} answer`;
    return { result: { ...machine, postgresql, redis }, found, cached: false };
  });
}

interface LabParts {
  readonly stateDir: string;
  readonly plan: LabPlan;
  readonly temporal: TemporalServer;
  readonly s3: string;
  readonly cloud: RunningCloud;
  readonly account: Account;
  readonly production: Production;
}

function describeLab({ stateDir, plan, temporal, s3, cloud, account, production }: LabParts): LabStatus {
  const { endpoint, control } = cloud;
  const keyOf = (role: keyof LabPlan['keys']) => {
    const { accessKeyId, secretAccessKey } = plan.keys[role];
    return { accessKeyId, secretAccessKey };
  };
  const { instanceId, volumeIds, postgresql, redis } = production;
  return {
    schema: 'understudy.local/1',
    state: 'up',
    aws: {
      region: plan.region,
      accountId: plan.accountId,
      ...keyOf('admin'),
      roles: { control: keyOf('control'), mover: keyOf('mover') },
      endpoints: { ec2: endpoint, ebs: endpoint, ssm: endpoint, kms: endpoint, sts: endpoint, s3 },
    },
    control,
    temporal: { address: temporal.address, namespace: temporal.namespace, ui: temporal.ui },
    vault: { url: `s3://${plan.bucket}/${plan.prefix}`, kmsKeyId: account.kmsKeyId },
    isolation: account.isolated,
    production: {
      instanceId,
      volumeIds: [...volumeIds],
      applications: [
        { name: 'postgresql', host: '127.0.0.1', port: postgresql, ...BANK },
        { name: 'redis', host: '127.0.0.1', port: redis },
      ],
    },
    stateDir,
  };
}

function makeLab(status: LabStatus, plan: LabPlan): Lab {
  const env = (role?: 'control' | 'mover') => labEnv(status, plan.deploymentId, role);
  const { stateDir } = status;
  return {
    status,
    plan,
    env,
    startWorker: (role, options) => startWorker({ stateDir, role, env: env(role), ...options }),
    findWorker: (role) => findServer(stateDir, workerName(role))?.server,
    stop: () => stopLab(stateDir),
  };
}
