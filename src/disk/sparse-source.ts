import type { ByteSource } from './byte-source.ts';

/** A disk that knows where it holds nothing, without reading it. */
export interface SparseSource extends ByteSource {
  /** What is stored, is missing or is damaged, is so in whole blocks of this size (a power of 2) from byte 0. */
  readonly blockBytes: number;
  /** Consecutive stretches from `offset` that cover exactly `length` bytes; neighbours differ. */
  stretches(offset: number, length: number, signal: AbortSignal): Promise<readonly Stretch[]>;
}

export interface Stretch {
  readonly bytes: number;
  /** Reads as zeros. */
  readonly hole: boolean;
}
