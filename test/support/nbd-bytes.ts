/** What NBD clients send; written from doc/proto.md, not from our server. */

export interface RawRequest {
  readonly command: number;
  readonly offset?: number | bigint;
  readonly length?: number;
  readonly flags?: number;
  readonly cookie?: bigint;
}

export function encodeRawRequest({ command, offset = 0, length = 0, flags = 0, cookie = 7n }: RawRequest): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt32BE(0x25609513, 0);
  bytes.writeUInt16BE(flags, 4);
  bytes.writeUInt16BE(command, 6);
  bytes.writeBigUInt64BE(cookie, 8);
  bytes.writeBigUInt64BE(BigInt(offset), 16);
  bytes.writeUInt32BE(length, 24);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Name, and kinds of information. */
export function infoRequest(name: string, ...kinds: number[]): Buffer {
  const wanted = Buffer.alloc(2 + kinds.length * 2);
  wanted.writeUInt16BE(kinds.length);
  for (const [i, kind] of kinds.entries()) wanted.writeUInt16BE(kind, 2 + i * 2);
  return Buffer.concat([u32(name.length), Buffer.from(name), wanted]);
}

export function contextRequest(name: string, ...queries: string[]): Buffer {
  const parts = queries.flatMap((query) => [u32(query.length), Buffer.from(query)]);
  return Buffer.concat([u32(name.length), Buffer.from(name), u32(queries.length), ...parts]);
}
