import type { Socket } from 'node:net';
import { FormatError } from '../errors.ts';

// What nobody wants is read and dropped in pieces of this size.
const DROPPED_AT_ONCE = 65_536;

/** One client's byte stream: reads of exact lengths, writes that wait while the client does not read. */
export class Connection {
  readonly #socket: Socket;
  readonly #waits = new Map<string, Promise<void>>();
  /** Aborted when the client is gone, fails, or is sent away. */
  readonly signal: AbortSignal;

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.signal = signal;
  }

  /** Undefined when the client left before the first byte; FormatError when it left in the middle. */
  async find(bytes: number): Promise<Buffer | undefined> {
    for (;;) {
      this.signal.throwIfAborted();
      const found: Buffer | null = bytes === 0 ? Buffer.alloc(0) : this.#socket.read(bytes);
      if (found?.length === bytes) return found;
      if (found) throw new FormatError(`the client left after ${found.length} of ${bytes} bytes`);
      if (this.#socket.readableEnded) return undefined;
      await this.#wait('readable');
    }
  }

  async read(bytes: number): Promise<Buffer> {
    const found = await this.find(bytes);
    if (found) return found;
    throw new FormatError(`the client left instead of sending ${bytes} bytes`);
  }

  async drop(bytes: number): Promise<void> {
    for (let left = bytes; left > 0; left -= DROPPED_AT_ONCE) await this.read(Math.min(left, DROPPED_AT_ONCE));
  }

  /** The pieces leave together, whoever else writes. */
  async write(...pieces: readonly Uint8Array[]): Promise<void> {
    this.signal.throwIfAborted();
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.uncork();
    while (this.#socket.writableNeedDrain) await this.#wait('drain');
  }

  /** Everybody who waits for an event waits for the same one: the socket has one listener for it. */
  #wait(event: 'readable' | 'drain'): Promise<void> {
    const known = this.#waits.get(event);
    if (known) return known;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(this.signal.reason);
    this.#socket.on(event, resolve).on('end', resolve);
    this.signal.addEventListener('abort', onAbort, { once: true });
    const settled = promise.finally(() => {
      this.#waits.delete(event);
      this.#socket.off(event, resolve).off('end', resolve);
      this.signal.removeEventListener('abort', onAbort);
    });
    this.#waits.set(event, settled);
    return settled;
  }
}
