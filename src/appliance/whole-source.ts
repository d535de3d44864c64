import type { ByteSource } from '../disk/byte-source.ts';
import type { SparseSource } from '../disk/sparse-source.ts';

// Damage costs the file system so much around it. Partitions begin at whole MiB, so this never crosses a vault's block.
const BLOCK_BYTES = 65_536;

/** A disk that is all data where nobody knows its holes: they then read as zeros. */
export function asSparse(source: ByteSource): SparseSource {
  return {
    bytes: source.bytes,
    blockBytes: BLOCK_BYTES,
    readAt: (offset, length, signal) => source.readAt(offset, length, signal),
    stretches: async (_offset, length) => [{ bytes: length, hole: false }],
  };
}
