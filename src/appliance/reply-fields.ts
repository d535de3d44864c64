import { DiskError } from '../errors.ts';

/** Fields of a reply, one after another. The agent runs beside a kernel that reads hostile disks: what goes beyond is damage. */
export class ReplyFields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(bytes: number): Buffer {
    const end = this.#at + bytes;
    if (end > this.#bytes.length)
      throw new DiskError('UnreadableDisk', 'The reader of this file system answers in half sentences.');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  u8(): number {
    return this.take(1).readUInt8();
  }

  u16(): number {
    return this.take(2).readUInt16BE();
  }

  u32(): number {
    return this.take(4).readUInt32BE();
  }

  u64(): number {
    return Number(this.take(8).readBigUInt64BE());
  }
}
