import type { ByteSource } from '../disk/byte-source.ts';
import { BLOCK_BYTES, type BlockRef, type BlockSource } from '../vault/index.ts';

/** 32 blocks = 16 MiB: file systems are read in small pieces that lie close together. */
const CACHED_BLOCKS = 32;
/** Blocks listed at once around a read: one listing serves its neighbours while its tokens live. */
const LISTED_BLOCKS = 256;

/** A snapshot as random-access bytes, for reading facts out of it. One read at a time: listing kills older tokens. */
export function snapshotBytes(source: BlockSource): ByteSource {
  const blocks = new Map<number, Uint8Array>();
  let window: { readonly from: number; readonly refs: ReadonlyMap<number, BlockRef> } | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  async function list(index: number, signal: AbortSignal): Promise<ReadonlyMap<number, BlockRef>> {
    const from = index - (index % LISTED_BLOCKS);
    if (window?.from === from) return window.refs;
    const refs = new Map<number, BlockRef>();
    const last = Math.ceil(source.volumeBytes / BLOCK_BYTES);
    for await (const ref of source.blocks({ from, to: Math.min(from + LISTED_BLOCKS, last) }, signal)) {
      refs.set(ref.index, ref);
    }
    window = { from, refs };
    return refs;
  }

  async function readBlock(index: number, signal: AbortSignal): Promise<Uint8Array> {
    const known = blocks.get(index);
    if (known) return known;
    const ref = (await list(index, signal)).get(index);
    const bytes = ref ? await source.read(ref, signal) : new Uint8Array(BLOCK_BYTES);
    blocks.set(index, bytes);
    const [oldest] = blocks.keys();
    if (blocks.size > CACHED_BLOCKS && oldest !== undefined) blocks.delete(oldest);
    return bytes;
  }

  async function read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
    const out = new Uint8Array(length);
    for (let at = offset; at < offset + length; ) {
      const index = Math.floor(at / BLOCK_BYTES);
      const end = Math.min(offset + length, (index + 1) * BLOCK_BYTES);
      const block = await readBlock(index, signal);
      out.set(block.subarray(at - index * BLOCK_BYTES, end - index * BLOCK_BYTES), at - offset);
      at = end;
    }
    return out;
  }

  return {
    bytes: source.volumeBytes,
    async readAt(offset, length, signal) {
      if (offset < 0 || length < 0 || offset + length > source.volumeBytes) {
        throw new RangeError(`bytes ${offset} + ${length} of a disk of ${source.volumeBytes}`);
      }
      const result = turn.then(() => read(offset, length, signal));
      turn = result.catch(() => undefined);
      return result;
    },
  };
}
