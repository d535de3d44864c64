import type { Socket } from 'node:net';
import { DiskError } from '../errors.ts';
import { ReplyFields } from './reply-fields.ts';

// A mount that replays a full journal reads and writes hundreds of MiB under software emulation; nothing else takes long.
const ANSWER_LIMIT_MS = 120_000;
// The agent sends batches of 200 KB and at most 1 MiB of a file.
const MAX_REPLY_BYTES = 4 << 20;

/** What a request failed with inside of the machine: the kernel's own number. */
export class AgentErrno extends Error {
  readonly errno: number;

  constructor(errno: number) {
    super(`errno ${errno}`);
    this.errno = errno;
  }
}

/** Asks the agent, one thing at a time. What it answers is as little believed as the disk that it reads. */
export class AgentPort {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #bytes = 0;
  #wake: () => void = () => {};
  #gone = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data) => {
      this.#received.push(data);
      this.#bytes += data.length;
      this.#wake();
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      this.#gone = true;
      this.#wake();
    });
  }

  /** All replies to one request, one after the other. AgentErrno when the kernel refused, UnreadableDisk when nobody answers. */
  ask(operation: string, ...parts: readonly Uint8Array[]): Promise<Buffer> {
    const answer = this.#turn.then(() => this.#converse(operation, parts));
    this.#turn = answer.catch(() => {}); // the next may ask all the same
    return answer;
  }

  async #converse(operation: string, parts: readonly Uint8Array[]): Promise<Buffer> {
    this.#send(operation, parts);
    const replies: Buffer[] = [];
    for (;;) {
      const head = await this.#take(5);
      const payload = await this.#take(payloadBytes(head));
      if (head[4] === 2) throw new AgentErrno(new ReplyFields(payload).u32());
      replies.push(payload);
      if (head[4] !== 1) return Buffer.concat(replies);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(operation: string, parts: readonly Uint8Array[]): void {
    const body = Buffer.concat([Buffer.from(operation, 'latin1'), ...parts]);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    this.#socket.write(Buffer.concat([head, body]));
  }

  async #take(bytes: number): Promise<Buffer> {
    const giveUpAt = Date.now() + ANSWER_LIMIT_MS;
    while (this.#bytes < bytes) {
      const left = giveUpAt - Date.now();
      if (this.#gone || left <= 0) throw silent(this.#gone ? 'its machine ended' : 'it does not answer');
      await this.#more(left);
    }
    const all = Buffer.concat(this.#received);
    this.#received = [all.subarray(bytes)];
    this.#bytes -= bytes;
    return all.subarray(0, bytes);
  }

  #more(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function payloadBytes(head: Buffer): number {
  const bytes = head.readUInt32BE() - 1;
  if (bytes >= 0 && bytes <= MAX_REPLY_BYTES) return bytes;
  throw silent(`it answers with ${bytes} bytes`);
}

function silent(what: string): DiskError {
  const message = `The reader of this file system stopped: ${what}. The file system may be made to harm who reads it.`;
  return new DiskError('UnreadableDisk', message);
}
