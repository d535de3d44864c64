import type { BlockKeys } from './sealed-block.ts';

/** What the main thread and block-thread.ts say to each other. Buffers are handed over, not copied. */

export interface SealJob {
  readonly kind: 'seal';
  readonly keys: BlockKeys;
  /** `blocks` blocks back to back. */
  readonly input: ArrayBuffer;
  readonly blocks: number;
  /** 12 bytes for each block. */
  readonly nonces: Uint8Array;
  /** Room for as many sealed blocks. */
  readonly output: ArrayBuffer;
  /** Ids the blocks may have, one for each; a block that has its own is neither compressed nor sealed. */
  readonly expected?: readonly (Uint8Array | undefined)[];
}

/** Where one block ended up in `output`; null for a hole, 'same' for a block with the expected id. */
export type SealedPart = SealedPlace | 'same' | null;

export interface SealedPlace {
  readonly offset: number;
  readonly sealedBytes: number;
  readonly codec: number;
  readonly blockId: Uint8Array;
}

export interface OpenPart {
  /** In `sealed`. */
  readonly offset: number;
  readonly sealedBytes: number;
  readonly codec: number;
  readonly blockId: Uint8Array;
}

export interface OpenJob {
  readonly kind: 'open';
  readonly keys: BlockKeys;
  readonly sealed: Uint8Array;
  readonly parts: readonly OpenPart[];
}

export type BlockJob = SealJob | OpenJob;

export type BlockReply =
  | { readonly kind: 'sealed'; readonly input: ArrayBuffer; readonly output: ArrayBuffer; readonly parts: SealedPart[] }
  | { readonly kind: 'opened'; readonly output: ArrayBuffer; readonly digests: readonly Uint8Array[] }
  | {
      readonly kind: 'failed';
      /** Of an open job: which part. */
      readonly part?: number;
      readonly message: string;
      /** False for a bug. */
      readonly isFormat: boolean;
      readonly input?: ArrayBuffer;
      readonly output?: ArrayBuffer;
    };
