import {
  ALLOCATION_ID,
  GREETING_MAGIC,
  HANDSHAKE_FLAGS,
  type NbdError,
  OPTION_MAGIC,
  OPTION_REPLY_MAGIC,
  REPLY_DONE,
  REPLY_TYPE,
  SIMPLE_REPLY_MAGIC,
  STATE_HOLE,
  STRUCTURED_REPLY_MAGIC,
  TRANSMISSION_FLAGS,
} from './protocol.ts';

// A reader of a log or a dialog; longer ones would be refused (4,096 bytes).
const MAX_MESSAGE_BYTES = 1_000;
// Of zeros, after the answer to NBD_OPT_EXPORT_NAME.
const PADDING_BYTES = 124;

/** 0 8 "NBDMAGIC"   8 8 "IHAVEOPT"   16 2 flags */
export function encodeGreeting(): Buffer {
  const bytes = Buffer.alloc(18);
  bytes.writeBigUInt64BE(GREETING_MAGIC, 0);
  bytes.writeBigUInt64BE(OPTION_MAGIC, 8);
  bytes.writeUInt16BE(HANDSHAKE_FLAGS.fixedNewstyle | HANDSHAKE_FLAGS.noZeroes, 16);
  return bytes;
}

/** 0 8 magic   8 4 option   12 4 kind of reply   16 4 bytes of data   20 data */
export function encodeOptionReply(option: number, reply: number, data: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(20);
  head.writeBigUInt64BE(OPTION_REPLY_MAGIC, 0);
  head.writeUInt32BE(option, 8);
  head.writeUInt32BE(reply, 12);
  head.writeUInt32BE(data.length, 16);
  return Buffer.concat([head, data]);
}

/** Answer to NBD_OPT_EXPORT_NAME: 0 8 size   8 2 flags   10 124 zeros, unless the client can do without */
export function encodeExportFacts(diskBytes: number, { padded }: { readonly padded: boolean }): Buffer {
  const bytes = Buffer.alloc(padded ? 10 + PADDING_BYTES : 10);
  bytes.writeBigUInt64BE(BigInt(diskBytes), 0);
  bytes.writeUInt16BE(TRANSMISSION_FLAGS, 8);
  return bytes;
}

/** 0 4 error   4 8 cookie, behind the magic; the data of a read follows. */
export function encodeSimpleReply(cookie: bigint, error: NbdError | 0): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(SIMPLE_REPLY_MAGIC, 0);
  bytes.writeUInt32BE(error, 4);
  bytes.writeBigUInt64BE(cookie, 8);
  return bytes;
}

/** The last chunk of a reply. */
export function encodeDone(cookie: bigint): Buffer {
  return chunk({ cookie, type: REPLY_TYPE.none, done: true, payloadBytes: 0 });
}

/** The head of a chunk whose data follows. */
export function encodeDataHead(cookie: bigint, { offset, length }: { offset: number; length: number }): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64BE(BigInt(offset));
  return Buffer.concat([chunk({ cookie, type: REPLY_TYPE.data, payloadBytes: 8 + length }), payload]);
}

export function encodeHole(cookie: bigint, { offset, length }: { offset: number; length: number }): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeBigUInt64BE(BigInt(offset), 0);
  payload.writeUInt32BE(length, 8);
  return Buffer.concat([chunk({ cookie, type: REPLY_TYPE.hole, payloadBytes: 12 }), payload]);
}

/** An error of the whole request, or of what begins at `offset`. */
export function encodeError(
  cookie: bigint,
  { error, message, offset }: { readonly error: NbdError; readonly message: string; readonly offset?: number },
): Buffer {
  const text = Buffer.from(message, 'utf8').subarray(0, MAX_MESSAGE_BYTES);
  const head = Buffer.alloc(6);
  head.writeUInt32BE(error, 0);
  head.writeUInt16BE(text.length, 4);
  const place = Buffer.alloc(offset === undefined ? 0 : 8);
  if (offset !== undefined) place.writeBigUInt64BE(BigInt(offset));
  const type = offset === undefined ? REPLY_TYPE.error : REPLY_TYPE.errorAt;
  const payload = Buffer.concat([head, text, place]);
  return Buffer.concat([chunk({ cookie, type, done: offset === undefined, payloadBytes: payload.length }), payload]);
}

/** One chunk for the one context there is: 0 4 context   then 4 bytes, 4 status each */
export function encodeBlockStatus(
  cookie: bigint,
  stretches: readonly { readonly bytes: number; readonly hole: boolean }[],
): Buffer {
  const payload = Buffer.alloc(4 + stretches.length * 8);
  payload.writeUInt32BE(ALLOCATION_ID, 0);
  for (const [i, { bytes, hole }] of stretches.entries()) {
    payload.writeUInt32BE(bytes, 4 + i * 8);
    payload.writeUInt32BE(hole ? STATE_HOLE : 0, 8 + i * 8);
  }
  const head = chunk({ cookie, type: REPLY_TYPE.blockStatus, done: true, payloadBytes: payload.length });
  return Buffer.concat([head, payload]);
}

interface Chunk {
  readonly cookie: bigint;
  readonly type: number;
  readonly done?: boolean;
  readonly payloadBytes: number;
}

/** 0 4 magic   4 2 flags   6 2 type   8 8 cookie   16 4 bytes of payload */
function chunk({ cookie, type, done = false, payloadBytes }: Chunk): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(STRUCTURED_REPLY_MAGIC, 0);
  bytes.writeUInt16BE(done ? REPLY_DONE : 0, 4);
  bytes.writeUInt16BE(type, 6);
  bytes.writeBigUInt64BE(cookie, 8);
  bytes.writeUInt32BE(payloadBytes, 16);
  return bytes;
}
