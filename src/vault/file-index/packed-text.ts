import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import { FormatError } from '../../errors.ts';
import { viewOf } from '../bytes.ts';
import { mustBe, mustBeWithin } from '../must-be.ts';

/**
 * Text of a file index before sealing (docs/vault-format.md 4.7), little-endian.
 *
 *   0  4  bytes   of the text, 1 … the limit of its type
 *   4  …  one zstd frame of the text, UTF-8
 */
const HEAD_BYTES = 4;
/** Names compress by ten at any level; 3 is where more processor time buys less than 5 %. */
const LEVEL = 3;

export function packText(text: Uint8Array): Uint8Array {
  const frame = zstdCompressSync(text, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
  const packed = new Uint8Array(HEAD_BYTES + frame.length);
  viewOf(packed).setUint32(0, text.length, true);
  packed.set(frame, HEAD_BYTES);
  return packed;
}

/** Any bytes give text of at most `maxBytes` or a FormatError. */
export function unpackText(packed: Uint8Array, maxBytes: number): string {
  mustBeWithin('length', packed.length, HEAD_BYTES + 1, HEAD_BYTES + maxBytes);
  const bytes = viewOf(packed).getUint32(0, true);
  mustBeWithin('bytes', bytes, 1, maxBytes);
  const text = decompress(packed.subarray(HEAD_BYTES), bytes);
  mustBe('text', text.length, bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
  } catch (cause) {
    throw new FormatError('the text is not UTF-8', { cause });
  }
}

function decompress(frame: Uint8Array, bytes: number): Uint8Array {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: bytes });
  } catch (cause) {
    throw new FormatError('the text is not one zstd frame of the promised size', { cause });
  }
}

/** JSON that a schema accepts, or a FormatError. */
export function parseJson<T>(what: string, json: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new FormatError(`${what} is not JSON`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new FormatError(`${what}: ${z.prettifyError(parsed.error)}`.slice(0, 500));
}
