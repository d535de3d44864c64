import type { Socket } from 'node:net';
import { DiskError } from '../errors.ts';
import { ReplyFields } from './reply-fields.ts';

// A mount that replays a full journal reads and writes hundreds of MiB under software emulation; nothing else takes long.
const ANSWER_LIMIT_MS = 120_000;
// 4 of what follows, itself counted, and 1 of what it is: the last reply, one of several, or an error.
const HEAD_BYTES = 5;
// The agent sends batches of 200 KB and at most 1 MiB of a file.
const MAX_REPLY_BYTES = 4 << 20;
// A folder of some 1.7 million names; its listing is the only answer of many batches.
const MAX_ANSWER_BYTES = 512 << 20;
// What a Buffer takes beside its bytes.
const REPLY_COST_BYTES = 128;

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
  readonly #mostAnswerBytes: number;
  readonly #received: Buffer[] = [];
  #bytes = 0;
  #wake: () => void = () => {};
  /** Why nothing is asked any more. */
  #ended: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(socket: Socket, { mostAnswerBytes = MAX_ANSWER_BYTES }: { readonly mostAnswerBytes?: number } = {}) {
    this.#socket = socket;
    this.#mostAnswerBytes = mostAnswerBytes;
    socket.on('data', (data) => {
      this.#received.push(data);
      this.#bytes += data.length;
      if (this.#bytes > MAX_REPLY_BYTES) socket.pause(); // whatever it sends unasked, or faster than it is read
      this.#wake();
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      this.#ended ??= 'its machine ended';
      this.#wake();
    });
  }

  /**
   * All replies to one request, one after the other. AgentErrno when the kernel refused, UnreadableDisk when nobody answers: then
   * nobody is asked again, for what comes late would pass for the answer to the next request.
   */
  ask(operation: string, ...parts: readonly Uint8Array[]): Promise<Buffer> {
    const answer = this.#turn.then(() => this.#converse(operation, parts));
    this.#turn = answer.catch(() => {}); // the next may ask all the same
    return answer;
  }

  async #converse(operation: string, parts: readonly Uint8Array[]): Promise<Buffer> {
    if (this.#ended !== undefined) throw this.#breakOff(this.#ended);
    this.#send(operation, parts);
    const replies: Buffer[] = [];
    for (let bytes = 0; ; ) {
      const head = await this.#take(HEAD_BYTES);
      const payload = await this.#take(this.#payloadBytes(head));
      bytes += REPLY_COST_BYTES + payload.length;
      if (bytes > this.#mostAnswerBytes)
        throw this.#breakOff(`it answers with more than ${this.#mostAnswerBytes} bytes`);
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
      if (this.#ended !== undefined || left <= 0) throw this.#breakOff('it does not answer');
      await this.#more(left);
    }
    this.#bytes -= bytes;
    const parts: Buffer[] = [];
    for (let left = bytes; left > 0; ) {
      const [first = Buffer.alloc(0)] = this.#received;
      const part = first.subarray(0, left);
      parts.push(part);
      left -= part.length;
      if (part.length === first.length) this.#received.shift();
      else this.#received[0] = first.subarray(part.length);
    }
    return Buffer.concat(parts);
  }

  #more(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#socket.resume();
    });
  }

  #payloadBytes(head: Buffer): number {
    const bytes = head.readUInt32BE() - 1;
    if (bytes >= 0 && bytes <= MAX_REPLY_BYTES) return bytes;
    throw this.#breakOff(`it answers with ${bytes} bytes`);
  }

  #breakOff(why: string): DiskError {
    this.#ended ??= why;
    this.#socket.destroy();
    const message = `The reader of this file system stopped: ${this.#ended}. The file system may be made to harm who reads it.`;
    return new DiskError('UnreadableDisk', message);
  }
}
