import { createHash } from 'node:crypto';

/**
 * What proves a written volume: how many blocks it got, and one SHA-256 over their digests. Both run along, for a list of
 * all digests ends where a Map does: 2^24 entries, which is 8 TiB of blocks.
 */
export class WrittenBlocks {
  readonly #digests = createHash('sha256');
  #count = 0;
  #last = -1;

  /** The next block in ascending order. Any other order gives another checksum, which a sink would find hours later. */
  add(index: number, sha256: Uint8Array): void {
    if (index <= this.#last) throw new RangeError(`block ${index} comes after block ${this.#last}`);
    this.#digests.update(sha256);
    this.#last = index;
    this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  /** Over the raw digests, not their base64 (coldsnap upload.rs: LINEAR). */
  checksum(): Uint8Array {
    return this.#digests.copy().digest();
  }
}
