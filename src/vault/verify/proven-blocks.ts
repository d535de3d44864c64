import { viewOf } from '../bytes.ts';
import type { PackEntry } from '../pack-trailer.ts';

type BlockName = Pick<PackEntry, 'offset' | 'sealedBytes' | 'codec' | 'blockId'>;

/**
 * Which blocks of a pack were opened, so that a segment's words can be compared with what the pack holds. Eight bytes
 * a block, 16 MiB for a TiB of blocks: offsets are exact, of the rest a fingerprint is kept. It is not a proof against
 * a forger, who cannot make a segment anyway, but shows a writer's mistake.
 */
export class ProvenBlocks {
  readonly #offsets: Uint32Array;
  readonly #marks: Uint32Array;

  /** Ascending by offset, as in a trailer. */
  constructor(blocks: readonly BlockName[]) {
    this.#offsets = Uint32Array.from(blocks, ({ offset }) => offset);
    this.#marks = Uint32Array.from(blocks, fingerprint);
  }

  has(block: BlockName): boolean {
    let low = 0;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#offsets[middle] ?? 0) < block.offset) low = middle + 1;
      else high = middle;
    }
    return this.#offsets[low] === block.offset && this.#marks[low] === fingerprint(block);
  }
}

function fingerprint({ sealedBytes, codec, blockId }: BlockName): number {
  return (viewOf(blockId).getUint32(0, true) ^ sealedBytes ^ (codec << 24)) >>> 0;
}
