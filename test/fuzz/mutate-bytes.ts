import type { Random } from './random.ts';

// Edges of signed and unsigned fields of 1, 2 and 4 bytes, and of the format's own limits.
const NUMBERS = [0, 1, 2, 7, 8, 28, 29, 127, 128, 255, 8191, 8192, 0x7fff, 0xffff, 524_288, 524_316, 524_317, 1 << 20];
const LARGE = [0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff, 33_554_432, 67_108_864];
const EDGES: readonly number[] = [...NUMBERS, ...LARGE];
// Counts and sizes stand here in every object of the format.
const HEAD_BYTES = 160;

/** One to four changes: bits, bytes, numbers at field borders, cut, grown, parts of it repeated or exchanged. */
export function mutateBytes(seed: Uint8Array, random: Random): Uint8Array {
  let bytes = Uint8Array.from(seed);
  for (let change = 1 + random.below(4); change > 0; change--) bytes = mutateOnce(bytes, random);
  return bytes;
}

function mutateOnce(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  if (bytes.length === 0) return Uint8Array.of(random.below(256));
  const at = random.below(random.chance(2) ? Math.min(HEAD_BYTES, bytes.length) : bytes.length);
  switch (random.below(8)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
    case 1:
      bytes[at] = random.below(256);
      return bytes;
    case 2:
    case 3:
      return withNumber(bytes, at & ~3, random);
    case 4:
      return bytes.slice(0, at);
    case 5:
      return grown(bytes, random);
    case 6:
      return repeated(bytes, at, random);
    default:
      bytes.copyWithin(random.below(bytes.length), at, at + 1 + random.below(80));
      return bytes;
  }
}

function withNumber(bytes: Uint8Array<ArrayBuffer>, at: number, random: Random): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer);
  if (at + 4 > bytes.length) return bytes;
  const near = random.chance(2) ? view.getUint32(at, true) + random.below(5) - 2 : random.pick(EDGES);
  view.setUint32(at, near >>> 0, true);
  return bytes;
}

function grown(bytes: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const more = new Uint8Array(bytes.length + 1 + random.below(100));
  more.set(bytes);
  if (random.chance(2)) more.fill(random.below(256), bytes.length);
  return more;
}

/** A table with a row twice: what a count that was raised by one needs to be believed. */
function repeated(bytes: Uint8Array, at: number, random: Random): Uint8Array<ArrayBuffer> {
  const row = bytes.subarray(at, at + random.pick([2, 4, 32, 42, 45, 72, 80]));
  const more = new Uint8Array(bytes.length + row.length);
  more.set(bytes.subarray(0, at));
  more.set(row, at);
  more.set(bytes.subarray(at), at + row.length);
  return more;
}
