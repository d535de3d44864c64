import { FormatError } from '../errors.ts';
import type { Connection } from './connection.ts';
import {
  CLIENT_FLAGS_BYTES,
  decodeContextRequest,
  decodeInfoRequest,
  decodeOptionHead,
  OPTION_HEAD_BYTES,
} from './decode.ts';
import { encodeExportFacts, encodeGreeting, encodeOptionReply } from './encode.ts';
import type { NbdExport } from './nbd-export.ts';
import {
  ALLOCATION,
  ALLOCATION_ID,
  HANDSHAKE_FLAGS,
  INFO,
  MAX_PAYLOAD_BYTES,
  OPTION,
  OPTION_REPLY,
} from './protocol.ts';

// qemu-nbd --list sends 8, libnbd 10; whoever sends a hundred is not choosing.
const MAX_OPTIONS = 100;

/** What a client chose. */
export interface Session {
  readonly chosen: NbdExport;
  readonly structuredReplies: boolean;
  /** May ask which parts are holes. */
  readonly allocation: boolean;
}

/** Settles what a client wants, in fixed newstyle. Undefined when it leaves without choosing, which is no error. */
export async function shakeHands(connection: Connection, exports: readonly NbdExport[]): Promise<Session | undefined> {
  await connection.write(encodeGreeting());
  const head = await connection.find(CLIENT_FLAGS_BYTES);
  if (!head) return undefined;
  const flags = head.readUInt32BE();
  if ((flags & ~(HANDSHAKE_FLAGS.fixedNewstyle | HANDSHAKE_FLAGS.noZeroes)) !== 0)
    throw new FormatError(`the client sets flags ${flags.toString(16)}`);
  const padded = (flags & HANDSHAKE_FLAGS.noZeroes) === 0;
  const haggling = new Haggling(connection, exports, padded);
  for (let count = 0; count < MAX_OPTIONS; count++) {
    const option = await connection.find(OPTION_HEAD_BYTES);
    if (!option) return undefined;
    const { option: kind, dataBytes } = decodeOptionHead(option);
    const answer = await haggling.answer(kind, await connection.read(dataBytes));
    if (answer !== 'more') return answer;
  }
  throw new FormatError(`the client sends more than ${MAX_OPTIONS} options`);
}

/** The next option, the end without a choice, or the choice. */
type Answer = 'more' | Session | undefined;

class Haggling {
  readonly #connection: Connection;
  readonly #exports: readonly NbdExport[];
  readonly #padded: boolean;
  #structuredReplies = false;
  /** The export for which the client selected base:allocation. */
  #allocationOf: NbdExport | undefined;

  constructor(connection: Connection, exports: readonly NbdExport[], padded: boolean) {
    this.#connection = connection;
    this.#exports = exports;
    this.#padded = padded;
  }

  async answer(option: number, data: Buffer): Promise<Answer> {
    try {
      return await this.#answer(option, data);
    } catch (error) {
      if (!(error instanceof FormatError) || option === OPTION.exportName) throw error;
      await this.#reply(option, OPTION_REPLY.invalid, Buffer.from(error.message));
      return 'more';
    }
  }

  async #answer(option: number, data: Buffer): Promise<Answer> {
    switch (option) {
      case OPTION.exportName:
        return this.#chooseByName(data.toString('utf8'));
      case OPTION.abort:
        await this.#reply(option, OPTION_REPLY.ack);
        return undefined;
      case OPTION.list:
        mustBeEmpty(data);
        return this.#list(option);
      case OPTION.info:
      case OPTION.go:
        return this.#inform(option, data);
      case OPTION.structuredReply:
        mustBeEmpty(data);
        this.#structuredReplies = true;
        return this.#reply(option, OPTION_REPLY.ack);
      case OPTION.listMetaContext:
      case OPTION.setMetaContext:
        return this.#contexts(option, data);
      default:
        return this.#reply(option, OPTION_REPLY.unsupported);
    }
  }

  /** The old way to choose knows no error but the end of the connection. */
  async #chooseByName(name: string): Promise<Answer> {
    const chosen = this.#find(name);
    if (!chosen) throw new FormatError('the client wants an export that does not exist');
    await this.#connection.write(encodeExportFacts(chosen.source.bytes, { padded: this.#padded }));
    return this.#session(chosen);
  }

  async #list(option: number): Promise<Answer> {
    for (const { name, description } of this.#exports) {
      await this.#reply(option, OPTION_REPLY.server, Buffer.concat([sized(name), Buffer.from(description)]));
    }
    return this.#reply(option, OPTION_REPLY.ack);
  }

  async #inform(option: number, data: Buffer): Promise<Answer> {
    const { name, wanted } = decodeInfoRequest(data);
    const chosen = this.#find(name);
    if (!chosen) return this.#reply(option, OPTION_REPLY.unknown);
    const kinds = new Set([INFO.export, ...wanted]);
    for (const kind of kinds) {
      const info = encodeInfo(kind, chosen);
      if (info) await this.#reply(option, OPTION_REPLY.info, info);
    }
    await this.#reply(option, OPTION_REPLY.ack);
    return option === OPTION.go ? this.#session(chosen) : 'more';
  }

  async #contexts(option: number, data: Buffer): Promise<Answer> {
    const setting = option === OPTION.setMetaContext;
    if (setting) this.#allocationOf = undefined;
    const { name, queries } = decodeContextRequest(data);
    if (setting && !this.#structuredReplies) throw new FormatError('contexts need structured replies');
    const asked = this.#find(name);
    if (!asked) return this.#reply(option, OPTION_REPLY.unknown);
    const matches = setting
      ? queries.includes(ALLOCATION)
      : queries.length === 0 || queries.some((query) => query === ALLOCATION || query === 'base:');
    if (matches) {
      if (setting) this.#allocationOf = asked;
      const id = Buffer.alloc(4);
      id.writeUInt32BE(setting ? ALLOCATION_ID : 0);
      await this.#reply(option, OPTION_REPLY.metaContext, Buffer.concat([id, Buffer.from(ALLOCATION)]));
    }
    return this.#reply(option, OPTION_REPLY.ack);
  }

  /** Without a name: the first. */
  #find(name: string): NbdExport | undefined {
    return name === '' ? this.#exports[0] : this.#exports.find((candidate) => candidate.name === name);
  }

  #session(chosen: NbdExport): Session {
    return { chosen, structuredReplies: this.#structuredReplies, allocation: this.#allocationOf === chosen };
  }

  async #reply(option: number, reply: number, data?: Buffer): Promise<'more'> {
    await this.#connection.write(encodeOptionReply(option, reply, data));
    return 'more';
  }
}

function mustBeEmpty(data: Buffer): void {
  if (data.length > 0) throw new FormatError('this option has no data');
}

function encodeInfo(kind: number, { name, description, source }: NbdExport): Buffer | undefined {
  switch (kind) {
    case INFO.export:
      return withKind(kind, encodeExportFacts(source.bytes, { padded: false }));
    case INFO.name:
      return withKind(kind, Buffer.from(name));
    case INFO.description:
      return withKind(kind, Buffer.from(description));
    case INFO.blockSize: {
      const sizes = Buffer.alloc(12);
      sizes.writeUInt32BE(1, 0);
      sizes.writeUInt32BE(source.blockBytes, 4);
      sizes.writeUInt32BE(MAX_PAYLOAD_BYTES, 8);
      return withKind(kind, sizes);
    }
    default:
      return undefined;
  }
}

function withKind(kind: number, data: Buffer): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(kind);
  return Buffer.concat([head, data]);
}

function sized(text: string): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}
