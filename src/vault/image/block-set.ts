import type { BlockRange } from '../block-source.ts';

/** Blocks of a volume, one bit each: 16 MiB for 64 TiB. */
export class BlockSet {
  readonly blocks: number;
  readonly #bits: Uint8Array;

  constructor(blocks: number) {
    this.blocks = blocks;
    this.#bits = new Uint8Array(Math.ceil(blocks / 8));
  }

  /** Half-open; what lies beyond the volume is left out. */
  addRange(from: number, to: number): void {
    const end = Math.min(to, this.blocks);
    for (let index = from; index < end; index++) {
      const byte = index >>> 3;
      // Whole bytes at once: a volume has millions of blocks.
      if ((index & 7) === 0 && index + 8 <= end) {
        this.#bits[byte] = 0xff;
        index += 7;
      } else {
        this.#bits[byte] = (this.#bits[byte] ?? 0) | (1 << (index & 7));
      }
    }
  }

  get isEmpty(): boolean {
    return this.#bits.every((byte) => byte === 0);
  }

  has(index: number): boolean {
    return (((this.#bits[index >>> 3] ?? 0) >> (index & 7)) & 1) === 1;
  }

  /** Ascending. */
  *within({ from, to }: BlockRange): Iterable<number> {
    for (let index = from; index < to; index++) {
      if (this.#bits[index >>> 3] === 0) index |= 7;
      else if (this.has(index)) yield index;
    }
  }
}
