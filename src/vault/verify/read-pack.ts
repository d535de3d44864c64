import { createHash } from 'node:crypto';
import { mustBe, naming } from '../must-be.ts';
import { fetchRun, openEntries, type PackRun } from '../open-blocks.ts';
import { decodePackTail, PACK_MAGIC, PACK_TAIL_BYTES } from '../pack-tail.ts';
import { PACK_HEAD_BYTES, type PackEntry, type PackTrailer } from '../pack-trailer.ts';
import { SEGMENT_BLOCKS } from '../parameters.ts';
import { openTrailer, readTrailer } from '../read-trailer.ts';
import { BLOCKS_PER_JOB } from '../threads.ts';
import type { Vault } from '../vault.ts';
import { damageIn } from './findings.ts';
import type { KnownPack } from './known-packs.ts';
import { ProvenBlocks } from './proven-blocks.ts';

export interface PackReading {
  readonly fault?: string;
  readonly proven?: ProvenBlocks;
  readonly blocks: number;
  readonly bytes: number;
}

/** Reads a pack from end to end: its name, head, tail and trailer, and every block is opened. */
export async function readWholePack(vault: Vault, pack: KnownPack, signal: AbortSignal): Promise<PackReading> {
  let blocks = 0;
  try {
    const bytes = await vault.store.get(pack.key, signal);
    const { entries } = naming(pack.key, () => decodeEnds(vault, pack, bytes));
    for (let at = 0; at < entries.length; at += BLOCKS_PER_JOB) {
      signal.throwIfAborted();
      const run = runOf(pack, entries.slice(at, at + BLOCKS_PER_JOB));
      const part = bytes.subarray(run.offset, run.offset + run.length);
      blocks += (await openEntries(vault, run, { bytes: part, entries: run.entries, to: 'nobody' })).length;
    }
    return { proven: new ProvenBlocks(entries), blocks, bytes: bytes.length };
  } catch (error) {
    return { fault: damageIn(error), blocks, bytes: pack.packBytes };
  }
}

function decodeEnds(vault: Vault, pack: KnownPack, bytes: Uint8Array): PackTrailer {
  mustBe('length', bytes.length, pack.packBytes);
  const head = Buffer.from(bytes.subarray(0, PACK_HEAD_BYTES)).toString('latin1');
  mustBe('magic at the start', head, PACK_MAGIC);
  const tailAt = bytes.length - PACK_TAIL_BYTES;
  const tail = decodePackTail(bytes.subarray(tailAt));
  return openTrailer(vault, pack, {
    tail,
    sealed: bytes.subarray(Math.max(tailAt - tail.trailerBytes, 0), tailAt),
  });
}

export interface SampleSize {
  /** Of the pack's blocks; at least one is read. */
  readonly share: number;
  /** Which ones: the same seed and pack give the same blocks. */
  readonly seed: string;
}

/** Reads tail, trailer and some blocks of a pack, by ranges. */
export async function readPackSample(
  vault: Vault,
  { pack, share, seed }: SampleSize & { readonly pack: KnownPack },
  signal: AbortSignal,
): Promise<PackReading> {
  let blocks = 0;
  let bytes = 0;
  try {
    const { entries, bytesRead } = await readTrailer(vault, pack, signal);
    bytes += bytesRead;
    for (const entry of chooseEntries(entries, { share, seed: `${seed} ${pack.packId}` })) {
      const run = runOf(pack, [entry]);
      bytes += run.length;
      const fetched = await fetchRun(vault, run, signal);
      blocks += (await openEntries(vault, run, { bytes: fetched, entries: run.entries, to: 'nobody' })).length;
    }
    return { blocks, bytes };
  } catch (error) {
    return { fault: damageIn(error), blocks, bytes };
  }
}

/** Ascending. */
export function chooseEntries<T>(entries: readonly T[], { share, seed }: SampleSize): T[] {
  const wanted = Math.min(Math.max(1, Math.round(entries.length * share)), entries.length);
  const drawn = entries.map((entry, i) => ({ entry, i, lot: createHash('sha256').update(`${seed} ${i}`).digest() }));
  drawn.sort((a, b) => Buffer.compare(a.lot, b.lot));
  return drawn
    .slice(0, wanted)
    .sort((a, b) => a.i - b.i)
    .map(({ entry }) => entry);
}

/** The blocks of one pack are of one segment. */
function runOf(pack: KnownPack, entries: readonly PackEntry[]): PackRun {
  const first = entries[0];
  const last = entries.at(-1);
  if (!first || !last) throw new TypeError('a run holds at least one block');
  const segmentIndex = Math.floor(first.blockIndex / SEGMENT_BLOCKS);
  const inSegment = entries.map(({ blockIndex, ...entry }) => ({
    ...entry,
    pack: 0,
    position: blockIndex - segmentIndex * SEGMENT_BLOCKS,
  }));
  return {
    segment: { segmentIndex, blocks: SEGMENT_BLOCKS, packs: [pack], entries: inSegment },
    pack,
    entries: inSegment,
    offset: first.offset,
    length: last.offset + last.sealedBytes - first.offset,
  };
}
