export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A 64-bit number as a Number; what does not fit becomes Infinity, which every range check refuses. */
export function u64(view: DataView, offset: number, littleEndian = true): number {
  const value = view.getBigUint64(offset, littleEndian);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value);
}

/** As Linux prints it, for file systems that store it in order. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

/** GPT stores the first three groups little-endian. */
export function guidText(bytes: Uint8Array): string {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return uuidText(Uint8Array.from(order, (at) => bytes[at] ?? 0));
}

/** Text up to its first NUL. */
export function fieldText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end)).trim();
}

export function hasText(bytes: Uint8Array, offset: number, text: string): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .subarray(offset, offset + text.length)
    .equals(Buffer.from(text, 'latin1'));
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
