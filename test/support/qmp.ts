import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { waitFor } from './wait-for.ts';

export interface Qmp {
  execute(command: string, parameters?: Record<string, unknown>): Promise<unknown>;
}

/** QEMU's control socket: one command at a time, events are passed over. */
export async function connectQmp(path: string, isAlive: () => boolean): Promise<Qmp> {
  const socket = await waitFor(
    async () => {
      if (!isAlive()) throw new Error(`the emulator ended before it opened ${path}`);
      return tryConnect(path);
    },
    { limitMs: 20_000, what: `connect to ${path}` },
  );
  const pending: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  createInterface({ input: socket }).on('line', (line) => {
    const answer: { return?: unknown; error?: { desc: string } } = JSON.parse(line);
    if (answer.error) pending.shift()?.reject(new Error(answer.error.desc));
    else if ('return' in answer) pending.shift()?.resolve(answer.return);
  });
  const execute = (command: string, parameters: Record<string, unknown> = {}) =>
    new Promise<unknown>((resolve, reject) => {
      pending.push({ resolve, reject });
      socket.write(`${JSON.stringify({ execute: command, arguments: parameters })}\n`);
    });
  socket.on('error', (error) => {
    for (const waiting of pending.splice(0)) waiting.reject(error);
  });
  await execute('qmp_capabilities');
  return { execute };
}

async function tryConnect(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    return undefined;
  }
}
