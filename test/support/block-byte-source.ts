import type { ByteSource } from '../../src/disk/byte-source.ts';
import { BLOCK_BYTES, type BlockSource } from '../../src/vault/block-source.ts';

/** The few blocks of a small volume, read into memory: what is not listed is zero. */
export async function blockByteSource(source: BlockSource, signal: AbortSignal): Promise<ByteSource> {
  const blocks = new Map<number, Uint8Array>();
  const to = Math.ceil(source.volumeBytes / BLOCK_BYTES);
  for await (const ref of source.blocks({ from: 0, to }, signal)) blocks.set(ref.index, await source.read(ref, signal));
  return {
    bytes: source.volumeBytes,
    readAt(offset, length) {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const into = (offset + done) % BLOCK_BYTES;
        const take = Math.min(length - done, BLOCK_BYTES - into);
        const block = blocks.get(Math.floor((offset + done) / BLOCK_BYTES));
        if (block) bytes.set(block.subarray(into, into + take), done);
        done += take;
      }
      return Promise.resolve(bytes);
    },
  };
}
