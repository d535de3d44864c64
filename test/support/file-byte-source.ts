import { open } from 'node:fs/promises';
import type { ByteSource } from '../../src/disk/byte-source.ts';

export interface FileByteSource extends ByteSource {
  close(): Promise<void>;
}

/** A raw image as a disk. */
export async function openFileByteSource(path: string): Promise<FileByteSource> {
  const file = await open(path, 'r');
  const { size } = await file.stat();
  return {
    bytes: size,
    async readAt(offset, length, signal) {
      signal.throwIfAborted();
      if (offset < 0 || length < 0 || offset + length > size)
        throw new RangeError(`${length} bytes at ${offset} of ${size}`);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw new Error(`${path} ended at ${offset + done}`);
        done += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}

/** Bytes in memory as a disk. */
export function memoryByteSource(bytes: Uint8Array): ByteSource {
  return {
    bytes: bytes.length,
    readAt(offset, length) {
      if (offset < 0 || length < 0 || offset + length > bytes.length)
        throw new RangeError(`${length} bytes at ${offset} of ${bytes.length}`);
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
  };
}
