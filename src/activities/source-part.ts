import { BLOCK_BYTES, type BlockRange, type BlockRef, type BlockSource } from '../vault/index.ts';

export interface Part {
  /** Undefined: the whole source. Otherwise a multiple of the block. */
  readonly fromByte?: number;
  readonly volume: { readonly bytes: number };
}

/** The part of a source that is a volume of its own; its blocks are counted from 0. */
export function partOf(source: BlockSource, { fromByte, volume }: Part): BlockSource {
  if (fromByte === undefined) return source;
  const first = fromByte / BLOCK_BYTES;
  if (!Number.isInteger(first) || fromByte + volume.bytes > source.volumeBytes) {
    throw new RangeError(`bytes ${fromByte} + ${volume.bytes} of a source of ${source.volumeBytes}`);
  }
  const within = ({ from, to }: BlockRange): BlockRange => ({ from: from + first, to: to + first });
  async function* shifted(refs: AsyncIterable<BlockRef>): AsyncIterable<BlockRef> {
    for await (const { index, token } of refs) yield { index: index - first, token };
  }
  const inSource = ({ index, token }: BlockRef): BlockRef => ({ index: index + first, token });
  const receive = source.receive?.bind(source);
  return {
    volumeBytes: volume.bytes,
    blocks: (range, signal) => shifted(source.blocks(within(range), signal)),
    async changedSince(parent, range, signal) {
      const changed = await source.changedSince(parent, within(range), signal);
      return changed === 'unrelated' ? changed : shifted(changed);
    },
    read: (ref, signal, room) => source.read(inSource(ref), signal, room),
    ...(receive && { receive: (ref, signal, room) => receive(inSource(ref), signal, room) }),
  };
}
