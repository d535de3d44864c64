import type { SparseSource, Stretch } from '../../src/disk/sparse-source.ts';
import { seededBytes } from './vault-random.ts';

export const DISK_BLOCK_BYTES = 4096;

export interface TestDisk extends SparseSource {
  readonly content: Uint8Array;
  /** Blocks that cannot be read. */
  readonly damaged: Set<number>;
  /** Every read waits for it. */
  gate: Promise<void>;
}

/** A small disk; every third block is a hole. */
export function sparseDisk(blocks: number, seed = 'disk'): TestDisk {
  const content = seededBytes(seed)(blocks * DISK_BLOCK_BYTES);
  const isHole = (index: number) => index % 3 === 0;
  for (let index = 0; index < blocks; index += 3)
    content.fill(0, index * DISK_BLOCK_BYTES, (index + 1) * DISK_BLOCK_BYTES);
  const damaged = new Set<number>();
  return {
    bytes: content.length,
    blockBytes: DISK_BLOCK_BYTES,
    content,
    damaged,
    gate: Promise.resolve(),
    async readAt(offset, length, signal) {
      await this.gate;
      signal.throwIfAborted();
      for (const index of damaged) {
        const start = index * DISK_BLOCK_BYTES;
        if (offset < start + DISK_BLOCK_BYTES && start < offset + length) throw new Error(`block ${index} is damaged`);
      }
      return content.slice(offset, offset + length);
    },
    async stretches(offset, length) {
      const found: Stretch[] = [];
      for (let at = offset; at < offset + length; ) {
        const index = Math.floor(at / DISK_BLOCK_BYTES);
        const end = Math.min(offset + length, (index + 1) * DISK_BLOCK_BYTES);
        const last = found.at(-1);
        if (last?.hole === isHole(index)) found[found.length - 1] = { hole: last.hole, bytes: last.bytes + end - at };
        else found.push({ bytes: end - at, hole: isHole(index) });
        at = end;
      }
      return found;
    },
  };
}
