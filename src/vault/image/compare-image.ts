import { webcrypto } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { BLOCK_BYTES } from '../block-source.ts';
import { free, sameBytes } from '../bytes.ts';
import { hmac } from '../derive.ts';
import { inOrder, type Task } from '../in-order.ts';
import { SEGMENT_BLOCKS } from '../parameters.ts';
import type { Segment, SegmentEntry } from '../segment.ts';
import type { Vault } from '../vault.ts';
import { ZERO_BLOCK } from '../zero-block.ts';
import type { BlockSet } from './block-set.ts';
import { readFully } from './open-image.ts';

/** A file or device that holds, or shall hold, the blocks of a volume. */
export interface ImageFile {
  readonly file: FileHandle;
  readonly volumeBytes: number;
  /** Every other block is known to be zeros; undefined: any may hold something. */
  readonly data: BlockSet | undefined;
}

export interface Difference {
  /** Stored blocks that the image does not hold. */
  readonly stored: readonly SegmentEntry[];
  /** Positions that must be zeros and are not. */
  readonly holes: readonly number[];
}

// Node reads files and hashes on four threads.
const BLOCKS_AT_ONCE = 4;

/**
 * What of one segment differs in the image: each block is read and its id computed as when it was archived, so a block
 * counts as equal only if it is. Needs the data root.
 */
export async function compareSegment(
  vault: Vault,
  image: ImageFile,
  { segment, signal }: { readonly segment: Omit<Segment, 'packs'>; readonly signal: AbortSignal },
): Promise<Difference> {
  const stored: SegmentEntry[] = [];
  const holes: number[] = [];
  const tasks = compareTasks(vault, image, segment);
  for await (const { position, entry, equal } of inOrder(tasks, { depth: BLOCKS_AT_ONCE, signal })) {
    if (equal) continue;
    if (entry) stored.push(entry);
    else holes.push(position);
  }
  return { stored, holes };
}

interface Compared {
  readonly position: number;
  readonly entry: SegmentEntry | undefined;
  readonly equal: boolean;
}

function* compareTasks(
  vault: Vault,
  image: ImageFile,
  { segmentIndex, blocks, entries }: Omit<Segment, 'packs'>,
): Iterable<Task<Compared>> {
  const idKey = vault.keys.data(1, 'block-id');
  let next = 0;
  for (let position = 0; position < blocks; position++) {
    const entry = entries[next]?.position === position ? entries[next++] : undefined;
    const index = segmentIndex * SEGMENT_BLOCKS + position;
    if (image.data && !image.data.has(index)) {
      if (entry) yield async () => ({ position, entry, equal: false });
      continue;
    }
    yield async (signal) => {
      signal.throwIfAborted();
      return { position, entry, equal: await isEqual(image, { index, blockId: entry?.blockId, idKey }) };
    };
  }
}

async function isEqual(
  { file, volumeBytes }: ImageFile,
  { index, blockId, idKey }: { index: number; blockId: Uint8Array | undefined; idKey: Uint8Array },
): Promise<boolean> {
  const at = index * BLOCK_BYTES;
  const bytes = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  const length = Math.min(BLOCK_BYTES, volumeBytes - at);
  const found = await readFully(file, bytes.subarray(0, length), at);
  bytes.fill(0, found);
  const isHole = ZERO_BLOCK.equals(bytes);
  const equal = blockId ? !isHole && sameBytes(await identify(bytes, idKey), blockId) : isHole;
  free(bytes);
  return equal;
}

/** docs/vault-format.md 3.2; hashed on another thread than the one that hands out work. */
async function identify(bytes: Uint8Array<ArrayBuffer>, idKey: Uint8Array): Promise<Uint8Array> {
  return hmac(idKey, new Uint8Array(await webcrypto.subtle.digest('SHA-256', bytes)));
}
