/** Two 32-bit words of an id: enough, see below. */
const WORDS = 2;

/**
 * A set of objects' ids (64 hex digits, SHA-256), made for a vault of any size. It keeps the first 8 bytes of each in one
 * flat table: 10 to 23 bytes per id, so the 4 million packs of a vault of 128 TiB take 92 MB at most, where a Set of
 * strings takes 500. Two ids that begin alike pass for one, by chance once in 10^12 such vaults; the set only ever says
 * what must be kept, so that garbage would stay and nothing be lost.
 */
export class IdSet {
  #slots = new Uint32Array(1024 * WORDS);
  #size = 0;
  #hasZero = false;

  get size(): number {
    return this.#size;
  }

  add(id: string): void {
    const [high, low] = wordsOf(id);
    // An empty slot is zero, so the id that begins with zeros stands beside the table.
    if (high === 0 && low === 0) {
      if (!this.#hasZero) this.#size++;
      this.#hasZero = true;
      return;
    }
    const at = this.#find(high, low);
    if (this.#slots[at] !== 0 || this.#slots[at + 1] !== 0) return;
    this.#slots[at] = high;
    this.#slots[at + 1] = low;
    this.#size++;
    // Above 70 % full, the next free slot gets far away.
    if (this.#size * WORDS > this.#slots.length * 0.7) this.#grow();
  }

  has(id: string): boolean {
    const [high, low] = wordsOf(id);
    if (high === 0 && low === 0) return this.#hasZero;
    const at = this.#find(high, low);
    return this.#slots[at] !== 0 || this.#slots[at + 1] !== 0;
  }

  /** Its slot, or the free one where it belongs. */
  #find(high: number, low: number): number {
    const slots = this.#slots;
    // The length is a power of two; digests are random, so their own bits spread them.
    const last = slots.length - WORDS;
    for (let at = (low * WORDS) & last; ; at = (at + WORDS) & last) {
      if (slots[at] === high && slots[at + 1] === low) return at;
      if (slots[at] === 0 && slots[at + 1] === 0) return at;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let i = 0; i < old.length; i += WORDS) {
      const [high = 0, low = 0] = old.subarray(i, i + WORDS);
      if (high === 0 && low === 0) continue;
      const at = this.#find(high, low);
      this.#slots[at] = high;
      this.#slots[at + 1] = low;
    }
  }
}

function wordsOf(id: string): [number, number] {
  return [Number.parseInt(id.slice(0, 8), 16), Number.parseInt(id.slice(8, 16), 16)];
}
