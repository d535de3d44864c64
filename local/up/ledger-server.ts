import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { onFreePorts, requireFreePort } from '../servers/free-port.ts';
import { findServer, launchServer, type ServerProcess } from '../servers/server-process.ts';
import { readToolchain } from '../toolchain.ts';

const PROGRAM = fileURLToPath(new URL('./ledger-process.ts', import.meta.url));
const NAME = 'ledger';
const Facts = z.object({ port: z.int() });

export interface LedgerServer extends ServerProcess {
  readonly port: number;
}

export interface LedgerOptions {
  readonly stateDir: string;
  readonly detached: boolean;
  /** For a restart on the same port. */
  readonly port?: number | undefined;
}

export function ledgerFile(stateDir: string): string {
  return join(stateDir, 'ledger.jsonl');
}

export function startLedgerServer({ port: wanted, ...options }: LedgerOptions): Promise<LedgerServer> {
  return onFreePorts(1, ([free = 0]) => start({ ...options, port: wanted ?? free }));
}

export function adoptLedgerServer(stateDir: string): LedgerServer | undefined {
  const found = findServer(stateDir, NAME);
  return found && { ...found.server, ...Facts.parse(found.facts) };
}

async function start({ stateDir, detached, port }: LedgerOptions & { readonly port: number }): Promise<LedgerServer> {
  await requireFreePort(port);
  const server = await launchServer({
    name: NAME,
    command: readToolchain().node,
    args: [PROGRAM, '--port', String(port), '--file', ledgerFile(stateDir)],
    stateDir,
    detached,
    facts: { port },
    isReady: () => canConnect(port),
  });
  return { ...server, port };
}

/** A connection without a request: the ledger would write down a request as a contact. */
function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
