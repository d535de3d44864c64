import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { startTemporal } from '../../local/servers/temporal.ts';
import { SEARCH_ATTRIBUTES } from '../../src/contract/search-attributes.ts';

export interface TestTemporal {
  readonly address: string;
  readonly namespace: string;
  readonly client: Client;
  readonly connection: NativeConnection;
  stop(): Promise<void>;
}

/** Names the environment variable by which test/support/integration-setup.ts tells of its server. */
export const SHARED_TEMPORAL = 'UNDERSTUDY_TEST_TEMPORAL';
export const KEYWORD_ATTRIBUTES = Object.values(SEARCH_ATTRIBUTES).map(
  ({ name }) => ({ name, type: 'Keyword' }) as const,
);

// Tests make workers fail on purpose; what they log is no finding.
Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });

/** A namespace of a real Temporal development server for one test file, with a server of its own where it must have one. */
export async function startTestTemporal(options: { readonly searchAttributes?: boolean } = {}): Promise<TestTemporal> {
  const withAttributes = options.searchAttributes !== false;
  const { address, namespace, stop } = (withAttributes && (await claimNamespace())) || (await startOwn(withAttributes));
  const connection = await NativeConnection.connect({ address });
  const client = new Client({ connection: await Connection.connect({ address }), namespace });
  return {
    address,
    namespace,
    client,
    connection,
    async stop() {
      await client.connection.close();
      await connection.close();
      await stop();
    },
  };
}

type Place = Pick<TestTemporal, 'address' | 'namespace' | 'stop'>;

/** The first that no other file has taken; a folder can be made once only. */
async function claimNamespace(): Promise<Place | undefined> {
  const shared = process.env[SHARED_TEMPORAL];
  if (shared === undefined) return undefined;
  const { address, stateDir, namespaces } = JSON.parse(shared) as SharedTemporal;
  for (const namespace of namespaces) {
    const isOurs = await mkdir(join(stateDir, namespace)).then(
      () => true,
      () => false,
    );
    if (isOurs) return { address, namespace, stop: async () => {} };
  }
  return undefined;
}

interface SharedTemporal {
  readonly address: string;
  readonly stateDir: string;
  readonly namespaces: readonly string[];
}

async function startOwn(withAttributes: boolean): Promise<Place> {
  const stateDir = await mkdtemp(join(tmpdir(), 'understudy-temporal-'));
  const searchAttributes = withAttributes ? KEYWORD_ATTRIBUTES : [];
  const { address, namespace, stop } = await startTemporal({ stateDir, headless: true, searchAttributes });
  return {
    address,
    namespace,
    async stop() {
      await stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
