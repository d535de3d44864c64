import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { z } from 'zod';
import { readToolchain } from '../toolchain.ts';
import { onFreePorts, requireFreePort } from './free-port.ts';
import { findServer, launchServer, type ServerProcess } from './server-process.ts';

/** A Temporal development server of this machine. */
export interface TemporalServer extends ServerProcess {
  readonly address: string;
  readonly namespace: string;
  /** Where a person looks at it; null without the web interface. */
  readonly ui: string | null;
}

export interface SearchAttribute {
  readonly name: string;
  readonly type: 'Bool' | 'Datetime' | 'Double' | 'Int' | 'Keyword' | 'KeywordList' | 'Text';
}

export interface TemporalOptions {
  /** Holds the database, so histories survive a restart on the same folder. */
  readonly stateDir: string;
  /** Of every namespace. */
  readonly searchAttributes?: readonly SearchAttribute[];
  /** Beside `default`. */
  readonly furtherNamespaces?: readonly string[];
  /** Without the web interface, for tests. */
  readonly headless?: boolean;
  /** It outlives this process. */
  readonly detached?: boolean;
  /** For a restart behind the same address; otherwise free ones. */
  readonly port?: number;
  readonly uiPort?: number;
}

const NAME = 'temporal';
const NAMESPACE = 'default';
const Facts = z.object({ address: z.string(), namespace: z.string(), ui: z.string().nullable() });

/** Starts a Temporal server on loopback and resolves when its namespace and search attributes can be used. */
export function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  return onFreePorts(2, ([port = 0, uiPort = 0]) => start({ port, uiPort, ...options }));
}

async function start(options: TemporalOptions & { port: number; uiPort: number }): Promise<TemporalServer> {
  const {
    stateDir,
    searchAttributes = [],
    furtherNamespaces = [],
    headless = false,
    detached = false,
    port,
    uiPort,
  } = options;
  mkdirSync(stateDir, { recursive: true });
  await requireFreePort(port);
  const address = `127.0.0.1:${port}`;
  const facts = { address, namespace: NAMESPACE, ui: headless ? null : `http://127.0.0.1:${uiPort}` };
  const server = await launchServer({
    name: NAME,
    command: readToolchain().temporal.path,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--namespace', NAMESPACE],
      ...['--db-filename', join(stateDir, 'temporal.db'), '--log-level', 'warn'],
      ...(headless ? ['--headless'] : ['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort)]),
      ...furtherNamespaces.flatMap((name) => ['--namespace', name]),
      ...searchAttributes.flatMap(({ name, type }) => ['--search-attribute', `${name}=${type}`]),
    ],
    stateDir,
    detached,
    facts,
    isReady: () => allReady(address, [NAMESPACE, ...furtherNamespaces], searchAttributes),
  });
  return { ...server, ...facts };
}

/** The Temporal server that runs on this folder, started by whichever process. */
export function adoptTemporal(stateDir: string): TemporalServer | undefined {
  const found = findServer(stateDir, NAME);
  return found && { ...found.server, ...Facts.parse(found.facts) };
}

async function allReady(
  address: string,
  namespaces: readonly string[],
  searchAttributes: readonly SearchAttribute[],
): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: 1_000 });
  try {
    const ready = await Promise.all(namespaces.map((namespace) => isReady(connection, namespace, searchAttributes)));
    return ready.every(Boolean);
  } finally {
    await connection.close();
  }
}

async function isReady(
  { workflowService, operatorService }: Connection,
  namespace: string,
  searchAttributes: readonly SearchAttribute[],
): Promise<boolean> {
  // The front end answers before the namespace exists; a client that comes in between fails with NotFound.
  await workflowService.describeNamespace({ namespace });
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  return searchAttributes.every(({ name }) => customAttributes?.[name] !== undefined);
}
