import type { UnderstudyError } from '../../errors.ts';
import { isDamage } from '../is-damage.ts';
import { packKey, segmentKey } from '../object-keys.ts';
import { fetchRun, openEntries, type PackRun, type VolumeBlock } from '../open-blocks.ts';
import { countSegmentBlocks, SEGMENT_BLOCKS } from '../parameters.ts';
import { readOrRebuildSegment } from '../rebuild-segment.ts';
import type { Segment, SegmentEntry } from '../segment.ts';
import type { Vault } from '../vault.ts';
import { planRuns } from '../volume-blocks.ts';
import type { VolumeMap } from '../volume-map.ts';

/** Blocks in a row that cannot be read back, and why. */
export interface MissingBlocks {
  readonly volumeId: string;
  readonly firstBlock: number;
  readonly blocks: number;
  /** The error's code: ObjectMissing, ObjectDamaged or DamagedFormat. */
  readonly code: UnderstudyError['code'];
  /** The pack or segment that is missing or damaged. */
  readonly object: string;
  readonly reason: string;
}

/** One block, or the reason why there is none. */
export type Salvaged =
  | { readonly block: VolumeBlock }
  | { readonly lost: Pick<MissingBlocks, 'firstBlock' | 'blocks' | 'code' | 'object' | 'reason'> };

interface SalvageRequest {
  readonly map: VolumeMap;
  readonly segmentIndex: number;
  /** Earlier blocks of the segment are not wanted. */
  readonly from: number;
  readonly choose: ((segment: Segment) => Promise<readonly SegmentEntry[]>) | undefined;
}

/** Reads one segment block by block, so that damage costs the blocks it lies in and no others. In order. */
export async function* salvageSegment(
  vault: Vault,
  { map, segmentIndex, from, choose }: SalvageRequest,
  signal: AbortSignal,
): AsyncGenerator<Salvaged> {
  const ref = map.segments[segmentIndex];
  const blocks = countSegmentBlocks(map.volumeBytes, segmentIndex);
  let segment: Segment | undefined;
  try {
    segment = await readOrRebuildSegment(vault, { map, segmentIndex }, signal);
  } catch (error) {
    if (!isDamage(error) || !ref) throw error;
    const object = segmentKey(ref.runId, ref.segmentId);
    // Which of them are holes is not known either.
    yield { lost: { firstBlock: segmentIndex * SEGMENT_BLOCKS, blocks, object, ...why(error) } };
    return;
  }
  if (!segment) return;
  const entries = choose ? await choose(segment) : segment.entries;
  const range = { from, to: segmentIndex * SEGMENT_BLOCKS + blocks };
  for (const run of planRuns({ ...segment, entries }, range)) yield* salvageRun(vault, run, signal);
}

async function* salvageRun(vault: Vault, run: PackRun, signal: AbortSignal): AsyncGenerator<Salvaged> {
  let whole: Uint8Array | undefined;
  let failure: UnderstudyError | undefined;
  try {
    whole = await fetchRun(vault, run, signal);
  } catch (error) {
    if (!isDamage(error)) throw error;
    failure = error;
  }
  for (const entry of run.entries) {
    const { offset, sealedBytes: length } = entry;
    // Of a pack that is there but too short, the blocks before its end can still be read one by one.
    const bytes = whole?.subarray(offset - run.offset, offset - run.offset + length);
    const alone: PackRun = { ...run, entries: [entry], offset, length };
    yield failure?.code === 'ObjectMissing'
      ? { lost: lostBlock(run, entry, failure) }
      : await salvageBlock(vault, { alone, entry, bytes }, signal);
  }
}

async function salvageBlock(
  vault: Vault,
  { alone, entry, bytes }: { alone: PackRun; entry: SegmentEntry; bytes: Uint8Array | undefined },
  signal: AbortSignal,
): Promise<Salvaged> {
  try {
    const sealed = bytes ?? (await fetchRun(vault, alone, signal));
    const [block] = await openEntries(vault, alone, { bytes: sealed, entries: [entry] });
    if (!block) throw new TypeError('one block was to be opened, and none came back');
    return { block };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { lost: lostBlock(alone, entry, error) };
  }
}

function lostBlock({ segment, pack }: PackRun, { position }: SegmentEntry, error: UnderstudyError) {
  const object = packKey(pack.runId, pack.packId);
  return { firstBlock: segment.segmentIndex * SEGMENT_BLOCKS + position, blocks: 1, object, ...why(error) };
}

function why({ code, message }: UnderstudyError) {
  return { code, reason: message };
}
