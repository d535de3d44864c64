import type { Client } from '@temporalio/client';
import type { ServerProcess } from '../../local/servers/server-process.ts';
import { createLabClients, type LabClients } from '../../local/up/aws-clients.ts';
import { type CloudCall, readCalls } from '../../local/up/cloud-control.ts';
import type { Lab, LabOptions } from '../../local/up/start-lab.ts';
import { connectTemporal } from '../../src/client/connect.ts';
import { BackupClient, type BackupRequest, type BackupResult, type Run, RunFailed } from '../../src/client/index.ts';
import { startSharedLab } from './shared-lab.ts';

/** A lab with the product's workers, for one test file. */
export interface TestLab extends AsyncDisposable {
  readonly lab: Lab;
  readonly aws: LabClients;
  readonly client: BackupClient;
  readonly temporal: Client;
  /** Starts a backup of production, or of the instance that the request names. */
  start(request?: Partial<BackupRequest>): Promise<Run<BackupResult>>;
  backup(request?: Partial<BackupRequest>): Promise<BackupResult>;
  /** The failure that a run is expected to end in; a run that succeeds fails the test. */
  refusal(run: Run<unknown>): Promise<RunFailed>;
  /** Number of the last call that the cloud has recorded. */
  mark(): Promise<number>;
  callsSince(mark: number): Promise<readonly CloudCall[]>;
  restartWorker(role: 'control' | 'mover'): Promise<void>;
  /** SIGKILL, as a host that dies would do it. */
  killWorker(role: 'control' | 'mover'): Promise<void>;
  workerPid(role: 'control' | 'mover'): number;
}

/** The options hold for this file only: the next one that opens the lab writes the configuration anew. */
export async function openTestLab(options: Pick<LabOptions, 'limits' | 'recipes'> = {}): Promise<TestLab> {
  const { lab, configChanged } = await startSharedLab(options);
  // The vault's and the client's own clients take their endpoints and keys from the environment, as in production.
  Object.assign(process.env, lab.env());
  const aws = createLabClients(lab.status.aws.endpoints, lab.plan);
  const temporal = await connectTemporal();
  const client = new BackupClient(temporal);
  const workers = new Map<'control' | 'mover', ServerProcess>();
  // Detached: they serve the next file too, unless that wants other limits; starting both costs 8 s of processor time.
  const startWorker = async (role: 'control' | 'mover') =>
    void workers.set(role, await lab.startWorker(role, { detached: true }));
  const ensureWorker = async (role: 'control' | 'mover') => {
    const running = lab.findWorker(role);
    if (running && !configChanged) return void workers.set(role, running);
    await running?.stop();
    return startWorker(role);
  };
  await Promise.all([ensureWorker('control'), ensureWorker('mover')]);
  const workerOf = (role: 'control' | 'mover') => {
    const worker = workers.get(role);
    if (!worker) throw new Error(`no ${role} worker runs`);
    return worker;
  };
  const start = (request: Partial<BackupRequest> = {}) =>
    client.start({ instanceId: lab.status.production.instanceId, ...request });
  return {
    lab,
    aws,
    client,
    temporal,
    start,
    backup: async (request) => (await start(request)).result(),
    refusal,
    mark: async () => (await readCalls(lab.status.control)).at(-1)?.seq ?? 0,
    callsSince: (mark) => readCalls(lab.status.control, mark),
    restartWorker: startWorker,
    async killWorker(role) {
      const worker = workerOf(role);
      process.kill(-worker.pid, 'SIGKILL');
      await worker.stop();
    },
    workerPid: (role) => workerOf(role).pid,
    async [Symbol.asyncDispose]() {
      await client.close();
      aws.destroy();
    },
  };
}

async function refusal(run: Run<unknown>): Promise<RunFailed> {
  try {
    await run.result();
  } catch (error) {
    if (error instanceof RunFailed) return error;
    throw error;
  }
  throw new Error(`${run.workflowId} succeeded, though it must not`);
}
