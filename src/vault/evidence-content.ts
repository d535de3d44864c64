import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { FormatError } from '../errors.ts';
import { ascii, readAsciiField, viewOf } from './bytes.ts';
import { mustBe, mustBeWithin } from './must-be.ts';
import { STORED, ZSTD } from './sealed-block.ts';
import type { FrameType } from './sealed-object.ts';

/**
 * What was read from the machine in a run (docs/vault-format.md 4.6), little-endian, before sealing.
 *
 *   0    1  codec             0 = stored, 1 = zstd
 *   1    1  reserved          0
 *   2    2  contentTypeBytes  c, 1 … 100
 *   4    4  bytes             size of the content
 *   8    c  contentType       ASCII
 *   8+c  …  content
 */
export const EVIDENCE_FRAME: FrameType = { magic: 'USEVID1\n', maxBytes: 64 << 20 };
const HEAD_BYTES = 8;
const MAX_CONTENT_TYPE_BYTES = 100;
/** 64 MiB less room for every header: bounds decompression too. */
export const MAX_EVIDENCE_BYTES = 67_108_000;

export interface EvidenceContent {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export function encodeEvidence({ contentType, bytes }: EvidenceContent): Uint8Array {
  const frame = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  const content = frame.length < bytes.length ? frame : bytes;
  const encoded = new Uint8Array(HEAD_BYTES + contentType.length + content.length);
  const view = viewOf(encoded);
  view.setUint8(0, content === frame ? ZSTD : STORED);
  view.setUint16(2, contentType.length, true);
  view.setUint32(4, bytes.length, true);
  encoded.set(ascii(contentType), HEAD_BYTES);
  encoded.set(content, HEAD_BYTES + contentType.length);
  return encoded;
}

/** Any bytes give valid evidence or a FormatError. */
export function decodeEvidence(encoded: Uint8Array): EvidenceContent {
  mustBeWithin('length', encoded.length, HEAD_BYTES + 1, EVIDENCE_FRAME.maxBytes);
  const view = viewOf(encoded);
  const codec = view.getUint8(0);
  mustBeWithin('codec', codec, STORED, ZSTD);
  mustBe('reserved', view.getUint8(1), 0);
  const contentTypeBytes = view.getUint16(2, true);
  mustBeWithin('contentTypeBytes', contentTypeBytes, 1, Math.min(MAX_CONTENT_TYPE_BYTES, encoded.length - HEAD_BYTES));
  const size = view.getUint32(4, true);
  mustBeWithin('bytes', size, 0, MAX_EVIDENCE_BYTES);
  const contentType = readAsciiField('contentType', encoded.subarray(HEAD_BYTES, HEAD_BYTES + contentTypeBytes));
  const content = encoded.subarray(HEAD_BYTES + contentTypeBytes);
  const bytes = codec === ZSTD ? decompress(content, size) : content;
  mustBe('content', bytes.length, size);
  return { contentType, bytes };
}

function decompress(frame: Uint8Array, size: number): Uint8Array {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: Math.max(size, 1) });
  } catch (cause) {
    throw new FormatError('content is not one zstd frame of the promised size', { cause });
  }
}
