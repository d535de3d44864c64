/** EBS's unit: listings, changes and transfers are in blocks of 512 KiB. */
export const BLOCK_BYTES = 524_288;
const GIB = 2 ** 30;

export function gibToBytes(sizeGiB: number): number {
  return sizeGiB * GIB;
}

export function blocksOf(sizeGiB: number): number {
  return (sizeGiB * GIB) / BLOCK_BYTES;
}

/** A set of block numbers, one bit each, lowest bit first. Reading beyond the end is "not in the set". */
export class Bitmap {
  readonly bytes: Uint8Array;

  constructor(blocksOrBytes: number | Uint8Array) {
    this.bytes = typeof blocksOrBytes === 'number' ? new Uint8Array(Math.ceil(blocksOrBytes / 8)) : blocksOrBytes;
  }

  has(block: number): boolean {
    return ((this.bytes[block >> 3] ?? 0) & (1 << (block & 7))) !== 0;
  }

  add(block: number): void {
    const at = block >> 3;
    if (at >= this.bytes.length)
      throw new RangeError(`block ${block} lies beyond the ${this.bytes.length * 8} of this set`);
    this.bytes[at] = (this.bytes[at] ?? 0) | (1 << (block & 7));
  }

  /** Block numbers from `start` on, ascending. */
  *from(start: number): Generator<number> {
    for (let at = start >> 3; at < this.bytes.length; at++) {
      const byte = this.bytes[at] ?? 0;
      if (byte === 0) continue;
      for (let bit = 0; bit < 8; bit++) {
        const block = at * 8 + bit;
        if ((byte & (1 << bit)) !== 0 && block >= start) yield block;
      }
    }
  }

  count(): number {
    let count = 0;
    for (const _ of this.from(0)) count++;
    return count;
  }

  /** A set as long as the longer one. */
  union(other: Bitmap): Bitmap {
    const [long, short] = this.bytes.length >= other.bytes.length ? [this, other] : [other, this];
    const bytes = Uint8Array.from(long.bytes);
    short.bytes.forEach((byte, at) => {
      bytes[at] = (bytes[at] ?? 0) | byte;
    });
    return new Bitmap(bytes);
  }
}
