import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { NbdPlace } from '../../src/nbd/serve-nbd.ts';
import { encodeRawRequest, type RawRequest, u32 } from './nbd-bytes.ts';

/** A client that says what the test tells it to, byte by byte; written from doc/proto.md, not from our server. */
export class RawNbdClient {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  static async open(place: NbdPlace): Promise<RawNbdClient> {
    const socket = 'port' in place ? connect(place.port, '127.0.0.1') : connect(place.socketPath);
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawNbdClient(socket);
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  leave(): void {
    this.#socket.destroy();
  }

  async receive(bytes: number): Promise<Buffer> {
    while (this.#received.length < bytes) {
      if (this.#ended) throw new Error(`the server left after ${this.#received.length} of ${bytes} bytes`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }

  /** Resolves when the server has ended the connection. */
  async ended(): Promise<void> {
    while (!this.#ended)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  /** The greeting, answered with FIXED_NEWSTYLE and NO_ZEROES. */
  async greet(flags = 3): Promise<void> {
    await this.receive(18);
    this.send(u32(flags));
  }

  /** Replies to one option, up to the one that ends it. */
  async option(option: number, data: Uint8Array = Buffer.alloc(0)): Promise<{ kind: number; data: Buffer }[]> {
    this.send(Buffer.concat([Buffer.from('IHAVEOPT'), u32(option), u32(data.length), data]));
    const replies: { kind: number; data: Buffer }[] = [];
    for (;;) {
      const head = await this.receive(20);
      const reply = { kind: head.readUInt32BE(12), data: await this.receive(head.readUInt32BE(16)) };
      replies.push(reply);
      if (reply.kind === 1 || reply.kind >= 2 ** 31) return replies;
    }
  }

  request({ command, offset = 0, length = 0, flags = 0, cookie = 7n }: RawRequest): void {
    this.send(encodeRawRequest({ command, offset, length, flags, cookie }));
  }

  /** Chunks of one structured reply, up to the last. */
  async chunks(): Promise<{ type: number; payload: Buffer }[]> {
    const chunks: { type: number; payload: Buffer }[] = [];
    for (;;) {
      const head = await this.receive(20);
      if (head.readUInt32BE(0) !== 0x668e33ef) throw new Error(`no structured reply: ${head.toString('hex')}`);
      chunks.push({ type: head.readUInt16BE(6), payload: await this.receive(head.readUInt32BE(16)) });
      if ((head.readUInt16BE(4) & 1) === 1) return chunks;
    }
  }

  /** Error of a simple reply; the data of a read follows. */
  async simple(): Promise<number> {
    const head = await this.receive(16);
    if (head.readUInt32BE(0) !== 0x67446698) throw new Error(`no simple reply: ${head.toString('hex')}`);
    return head.readUInt32BE(4);
  }
}
