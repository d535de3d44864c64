import { mkdtemp, rm } from 'node:fs/promises';
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

// Tests make workers fail on purpose; what they log is no finding.
Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });

/** A real Temporal development server for one test file. */
export async function startTestTemporal(options: { readonly searchAttributes?: boolean } = {}): Promise<TestTemporal> {
  const stateDir = await mkdtemp(join(tmpdir(), 'understudy-temporal-'));
  const names = options.searchAttributes === false ? [] : Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name);
  const server = await startTemporal({
    stateDir,
    headless: true,
    searchAttributes: names.map((name) => ({ name, type: 'Keyword' })),
  });
  const { address, namespace } = server;
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
      await server.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
