import { FormatError } from '../errors.ts';
import { MAX_OPTION_BYTES, OPTION_MAGIC, REQUEST_MAGIC } from './protocol.ts';

/** What clients send, from bytes of unknown origin: each decoder gives a valid value or a FormatError. */

export const CLIENT_FLAGS_BYTES = 4;
export const OPTION_HEAD_BYTES = 16;
export const REQUEST_BYTES = 28;

export interface OptionHead {
  readonly option: number;
  readonly dataBytes: number;
}

/** 0 8 magic   8 4 option   12 4 bytes of data */
export function decodeOptionHead(bytes: Uint8Array): OptionHead {
  const view = viewOf(bytes, OPTION_HEAD_BYTES);
  if (view.getBigUint64(0) !== OPTION_MAGIC) throw new FormatError('an option does not begin with IHAVEOPT');
  const dataBytes = view.getUint32(12);
  if (dataBytes > MAX_OPTION_BYTES) throw new FormatError(`an option has ${dataBytes} bytes of data`);
  return { option: view.getUint32(8), dataBytes };
}

export interface InfoRequest {
  readonly name: string;
  /** Kinds of information asked for. */
  readonly wanted: readonly number[];
}

/** NBD_OPT_INFO and NBD_OPT_GO: 0 4 n   4 n name   … 2 k   … 2 k kinds */
export function decodeInfoRequest(data: Uint8Array): InfoRequest {
  const fields = new Fields(data);
  const name = fields.text(fields.u32());
  const wanted = Array.from({ length: fields.u16() }, () => fields.u16());
  fields.mustEnd();
  return { name, wanted };
}

export interface ContextRequest {
  readonly name: string;
  readonly queries: readonly string[];
}

/** NBD_OPT_LIST_META_CONTEXT and NBD_OPT_SET_META_CONTEXT: 0 4 n   4 n name   … 4 k   … k × (4 m   m query) */
export function decodeContextRequest(data: Uint8Array): ContextRequest {
  const fields = new Fields(data);
  const name = fields.text(fields.u32());
  const queries: string[] = [];
  for (let left = fields.u32(); left > 0; left--) queries.push(fields.text(fields.u32()));
  fields.mustEnd();
  return { name, queries };
}

export interface NbdRequest {
  readonly flags: number;
  readonly command: number;
  /** The client's; comes back with the reply. */
  readonly cookie: bigint;
  /** Above 2^53 only roughly, which is beyond the end of every disk. */
  readonly offset: number;
  readonly length: number;
}

/** 0 4 magic   4 2 flags   6 2 command   8 8 cookie   16 8 offset   24 4 length */
export function decodeRequest(bytes: Uint8Array): NbdRequest {
  const view = viewOf(bytes, REQUEST_BYTES);
  const magic = view.getUint32(0);
  if (magic !== REQUEST_MAGIC) throw new FormatError(`a request begins with ${magic.toString(16)}`);
  return {
    flags: view.getUint16(4),
    command: view.getUint16(6),
    cookie: view.getBigUint64(8),
    offset: Number(view.getBigUint64(16)),
    length: view.getUint32(24),
  };
}

function viewOf(bytes: Uint8Array, expected: number): DataView {
  if (bytes.length !== expected) throw new FormatError(`${bytes.length} bytes instead of ${expected}`);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Fields one after another; one that goes beyond the end is a FormatError. */
class Fields {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u16(): number {
    return Buffer.from(this.#take(2)).readUInt16BE();
  }

  u32(): number {
    return Buffer.from(this.#take(4)).readUInt32BE();
  }

  text(bytes: number): string {
    return Buffer.from(this.#take(bytes)).toString('utf8');
  }

  mustEnd(): void {
    if (this.#at !== this.#bytes.length) throw new FormatError(`${this.#bytes.length - this.#at} bytes follow the end`);
  }

  #take(bytes: number): Uint8Array {
    const end = this.#at + bytes;
    if (end > this.#bytes.length) throw new FormatError(`a field of ${bytes} bytes goes beyond the end`);
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
