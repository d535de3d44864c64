import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '../errors.ts';

export interface QmpEvent {
  readonly event: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** QEMU answers in order on one connection, within milliseconds; a minute means that it hangs. */
const ANSWER_LIMIT_MS = 60_000;

/** A connection to one QEMU's monitor. QEMU serves one at a time. */
export class Qmp {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #closed = false;

  private constructor(socket: Socket, { onEvent, onClose }: QmpListeners) {
    this.#socket = socket;
    // Lines by hand: readline turns a reset connection, which a machine that ends may cause, into an uncaught error.
    let rest = '';
    socket.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + String(text)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#receive(line, onEvent);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      for (const { reject } of this.#waiting.splice(0)) reject(failed('QEMU closed the monitor'));
      onClose();
    });
  }

  /** Waits for the socket to appear, then negotiates. */
  static async open(path: string, listeners: QmpListeners, limitMs: number): Promise<Qmp> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      try {
        const qmp = new Qmp(await connected(path), listeners);
        await qmp.execute('qmp_capabilities');
        return qmp;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
      await sleep(20);
    }
  }

  execute(command: string, args: object = {}): Promise<unknown> {
    if (this.#closed) return Promise.reject(failed(`QEMU is gone; ${command} was not sent`));
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(failed(`QEMU did not answer ${command}`)), ANSWER_LIMIT_MS);
      const settle =
        <T extends unknown[]>(end: (...args: T) => void) =>
        (...args: T) => {
          clearTimeout(limit);
          end(...args);
        };
      this.#waiting.push({ resolve: settle(resolve), reject: settle(reject) });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  /** A line that is not JSON ends the connection: whatever sent it is not the monitor we know. */
  #receive(line: string, onEvent: (event: QmpEvent) => void): void {
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(line) as Record<string, unknown>;
    } catch {
      this.#socket.destroy();
      return;
    }
    if (typeof message.event === 'string') {
      onEvent(message as unknown as QmpEvent);
    } else if ('return' in message) {
      this.#waiting.shift()?.resolve(message.return);
    } else if ('error' in message) {
      const { desc } = message.error as { desc?: string };
      this.#waiting.shift()?.reject(failed(`QEMU refused: ${desc}`));
    }
  }
}

export interface QmpListeners {
  onEvent(event: QmpEvent): void;
  onClose(): void;
}

function failed(message: string): PlatformError {
  return new PlatformError('MachineFailed', message);
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}
