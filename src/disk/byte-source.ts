/** Random access to the bytes of one disk, wherever they are: a snapshot, a vault, a file. */
export interface ByteSource {
  /** Size of the disk in bytes. */
  readonly bytes: number;
  /** Exactly `length` bytes from `offset`; a range beyond the end is a bug of the caller and throws RangeError. */
  readAt(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array>;
}
