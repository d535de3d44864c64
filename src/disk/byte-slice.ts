import { DiskError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';

/** A part of a disk as a disk of its own. What a guest's structures point to may lie outside: that is a DiskError. */
export function sliceOf(source: ByteSource, offset: number, bytes: number): ByteSource {
  return {
    bytes,
    readAt(at, length, signal) {
      mustLieInside(at, length, bytes);
      return source.readAt(offset + at, length, signal);
    },
  };
}

function mustLieInside(at: number, length: number, bytes: number): void {
  if (Number.isSafeInteger(at) && Number.isSafeInteger(length) && at >= 0 && length >= 0 && at + length <= bytes)
    return;
  throw new DiskError(
    'UnreadableDisk',
    `The disk points to ${length} bytes at ${at}, outside of its ${bytes} bytes: it is damaged.`,
  );
}

/** Exactly what is there of the wanted range: the start of a disk that may be shorter. */
export function readUpTo(source: ByteSource, at: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
  const there = Math.max(0, Math.min(length, source.bytes - at));
  return there === 0 ? Promise.resolve(new Uint8Array()) : source.readAt(at, there, signal);
}
