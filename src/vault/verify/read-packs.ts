import { inOrder, type Task } from '../in-order.ts';
import type { CheckRecord } from './check-record.ts';
import { choosePacks, NEW_BLOCKS_SHARE } from './choose-packs.ts';
import type { KnownPack } from './known-packs.ts';
import { type PackReading, readPackSample, readWholePack } from './read-pack.ts';
import type { Verification } from './verification.ts';

// A pack read whole is up to 64 MiB; a sampled one is a few ranges whose time is waiting.
const WHOLE_AHEAD = 2;
const SAMPLED_AHEAD = 8;

export interface PacksRead {
  readonly packs: number;
  readonly blocks: number;
  readonly bytes: number;
  /** Where the next sample goes on. */
  readonly cursor: CheckRecord['cursor'];
}

/** Reads as many packs as the level asks for, and notes with each what was found. */
export async function readPacks(
  work: Verification,
  { checkId, last }: { readonly checkId: string; readonly last: CheckRecord | undefined },
): Promise<PacksRead> {
  const { vault, level, known, points, signal, onProgress } = work;
  const newestCommit = last?.newestCommit ?? '';
  const isNew = (runId: string) => (points.get(runId)?.committedAt ?? '') > newestCommit || last === undefined;
  const { whole, sampled, cursor } = choosePacks(known, { level, isNew, last });
  const of = whole.length + sampled.length;
  const sample = { share: NEW_BLOCKS_SHARE, seed: checkId };
  const readWhole: ReadPack = (pack, ours) => readWholePack(vault, pack, ours);
  const readSome: ReadPack = (pack, ours) => readPackSample(vault, { pack, ...sample }, ours);
  const read = { packs: 0, blocks: 0, bytes: 0 };
  for (const [packs, depth, readOne] of [
    [whole, WHOLE_AHEAD, readWhole],
    [sampled, SAMPLED_AHEAD, readSome],
  ] as const) {
    for await (const { blocks, bytes } of inOrder(readingTasks(packs, readOne), { depth, signal })) {
      read.packs++;
      read.blocks += blocks;
      read.bytes += bytes;
      onProgress?.({ step: 'packs', done: read.packs, of });
    }
  }
  return { ...read, cursor };
}

type ReadPack = (pack: KnownPack, signal: AbortSignal) => Promise<PackReading>;

function readingTasks(packs: readonly KnownPack[], read: ReadPack): Task<PackReading>[] {
  return packs.map((pack) => async (signal) => {
    const reading = await read(pack, signal);
    pack.fault = reading.fault;
    pack.proven = reading.proven;
    return reading;
  });
}
