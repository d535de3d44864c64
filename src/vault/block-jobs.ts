import type { BlockKeys } from './sealed-block.ts';

/**
 * What the main thread and block-thread.ts say to each other. Large buffers are memory that all threads see. One that is
 * handed over, or made anew for each job, counts in V8's books until it is collected: the collector would run all the time.
 */

export interface SealJob {
  readonly kind: 'seal';
  readonly keys: BlockKeys;
  /** `blocks` blocks at their places (batch.ts); the sealed ones take theirs. */
  readonly batch: SharedArrayBuffer;
  readonly blocks: number;
  /** 12 bytes for each block. */
  readonly nonces: Uint8Array;
  /** Prove that every sealed block opens to the block before it is answered. */
  readonly verify: boolean;
  /** Ids the blocks may have, one for each; a block that has its own is neither compressed nor sealed. */
  readonly expected?: readonly (Uint8Array | undefined)[];
  /** The SHA-256 that each block should have, one for each. A block that has another fails the job. */
  readonly announced?: readonly Uint8Array[];
}

/** Where one block ended up in the batch; null for a hole, 'same' for a block with the expected id. */
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
  /** Shared, or a copy of its own: handed over, and gone afterwards. */
  readonly sealed: ArrayBuffer | SharedArrayBuffer;
  readonly parts: readonly OpenPart[];
  readonly to: OpenedTo;
}

/** Where opened blocks go. From all but the first they come back without bytes. */
export type OpenedTo =
  | { readonly kind: 'reader' }
  /** One behind the other. */
  | { readonly kind: 'room'; readonly room: SharedArrayBuffer }
  /** Written by the thread that opened them. */
  | ({ readonly kind: 'image' } & ImagePlaces)
  /** Only proven. */
  | { readonly kind: 'nobody' };

export interface ImagePlaces {
  /** Open for writing until the reply is there; descriptors are the process's, so every thread may use them. */
  readonly fd: number;
  /** The same file or device, open for writing past the page cache; undefined where it cannot be. */
  readonly directFd: number | undefined;
  readonly volumeBytes: number;
  /** Of the volume's blocks, one for each part. */
  readonly indexes: readonly number[];
}

export type BlockJob = SealJob | OpenJob;

export interface OpenedPart {
  /** Empty where they went elsewhere. */
  readonly bytes: Uint8Array;
  /** Of the bytes. */
  readonly sha256: Uint8Array;
}

export type BlockReply =
  | { readonly kind: 'sealed'; readonly parts: SealedPart[] }
  | { readonly kind: 'opened'; readonly blocks: readonly OpenedPart[] }
  | {
      readonly kind: 'failed';
      /** Of an open job: which part. */
      readonly part?: number;
      readonly message: string;
      /** Of the system, when the image could not be written. */
      readonly code?: string;
      /** False for a bug. */
      readonly isFormat: boolean;
    };
