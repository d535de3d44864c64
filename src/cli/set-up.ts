import { connectTemporal } from '../client/connect.ts';
import { syncSchedules } from '../client/schedules.ts';
import { ensureSearchAttributes } from '../client/search-attributes.ts';
import { type Config, deploymentFile, ensureDeploymentId, loadConfig, readDeploymentId } from '../config/index.ts';
import {
  initVault,
  listKeys,
  openKeyService,
  openRecipient,
  openStore,
  systemClock,
  systemRandomBytes,
} from '../vault/index.ts';
import { keyServiceName } from '../workers/open-vaults.ts';
import type { SetUp, SetUpStep } from './deps.ts';

/** Everything real; Temporal is connected only by the steps that need it. */
export async function openRealSetUp(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<SetUp> {
  const { config } = await loadConfig();
  let connected: ReturnType<typeof connectTemporal> | undefined;
  const temporal = () => (connected ??= connectTemporal({ profile: config.temporal.profile }));
  return {
    ensureDeploymentId: () => stepDeploymentId(env),
    ensureVaults: () =>
      Promise.all(Object.entries(config.vaults).map(([name, vault]) => stepVault(name, vault, signal))),
    async ensureSearchAttributes() {
      const client = await temporal();
      const { created, present } = await ensureSearchAttributes(client.connection, client.options.namespace);
      const outcome = created.length > 0 ? 'created' : 'unchanged';
      return { what: 'search attributes', outcome, found: [...created, ...present].sort().join(' ') };
    },
    async syncSchedules({ prune }) {
      const synced = await syncSchedules({ client: await temporal(), config, prune });
      return synced.map(({ scheduleId, outcome, found }) => ({ what: scheduleId, outcome, found }));
    },
    async close() {
      const client = await connected?.catch(() => undefined); // the step that needed it has already failed
      await client?.connection.close();
    },
  };
}

async function stepDeploymentId(env: NodeJS.ProcessEnv): Promise<SetUpStep> {
  const before = await readDeploymentId(env).catch(() => undefined);
  const id = await ensureDeploymentId(env);
  const where = env.UNDERSTUDY_DEPLOYMENT_ID ? 'UNDERSTUDY_DEPLOYMENT_ID' : deploymentFile(env);
  return { what: 'deployment id', outcome: before === id ? 'unchanged' : 'created', found: `${id} (${where})` };
}

async function stepVault(
  name: string,
  { url, kmsKeyId, recipients, lock }: Config['vaults'][string],
  signal: AbortSignal,
): Promise<SetUpStep> {
  const store = openStore(url, { clock: systemClock });
  const { vaultId, created } = await initVault({
    store,
    keys: openKeyService(keyServiceName(kmsKeyId), { randomBytes: systemRandomBytes }),
    recipients: await Promise.all(
      recipients.map((recipient) => openRecipient(recipient, { randomBytes: systemRandomBytes })),
    ),
    clock: systemClock,
    randomBytes: systemRandomBytes,
    ...(lock && { lock }),
    signal,
  });
  const { epochs } = await listKeys({ store, signal });
  const noted = epochs.map((epoch) => epoch.recipients.map(({ id }) => id));
  const missing = recipients.filter((recipient) => noted.some((ids) => !ids.includes(recipient)));
  const add = missing.map(
    (recipient) => `; not yet for ${recipient}: understudy keys add-recipient ${name} ${recipient}`,
  );
  return {
    what: `vault ${name}`,
    outcome: created ? 'created' : 'unchanged',
    found: `${url} (${vaultId})${add.join('')}`,
  };
}
