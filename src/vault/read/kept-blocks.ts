import { Recent } from '../recent.ts';

// 32 MiB: what 8 readers of 4 MiB read ahead, or the tables of a file system.
const BLOCKS_KEPT = 64;

/** Blocks by index: those on their way, however many are waited for, and the latest that arrived. */
export class KeptBlocks {
  readonly #underWay = new Map<number, Promise<Uint8Array>>();
  readonly #arrived = new Recent<number, Uint8Array>(BLOCKS_KEPT);

  has(index: number): boolean {
    return this.#underWay.has(index) || this.#arrived.has(index);
  }

  find(index: number): Promise<Uint8Array> | undefined {
    return this.#underWay.get(index) ?? this.#arrived.find(index);
  }

  /** A block that fails is forgotten, so that the next who wants it tries again. */
  add(index: number, block: Promise<Uint8Array>): void {
    this.#underWay.set(index, block);
    block.then(
      () => {
        this.#underWay.delete(index);
        void this.#arrived.get(index, () => block);
      },
      () => this.#underWay.delete(index),
    );
  }
}
