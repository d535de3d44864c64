import { FormatError } from '../errors.ts';
import { isDamage } from './is-damage.ts';
import { segmentKey } from './object-keys.ts';
import { countSegmentBlocks, SEGMENT_BLOCKS } from './parameters.ts';
import { readSegment } from './read-segment.ts';
import { readTrailer } from './read-trailer.ts';
import type { Segment, SegmentEntry, SegmentPack } from './segment.ts';
import { sideBySide } from './side-by-side.ts';
import type { Vault } from './vault.ts';
import type { VolumeMap } from './volume-map.ts';

interface SegmentOfMap {
  readonly map: VolumeMap;
  readonly segmentIndex: number;
}

// A trailer is two requests of some 20 ms.
const READS_AT_ONCE = 8;

/**
 * One segment of a map, undefined where all of it is holes. Where its object is lost, what the packs say of themselves
 * takes its place (docs/vault-format.md 9.1); if they do not say enough, the error is the one that told of the loss.
 */
export async function readOrRebuildSegment(
  vault: Vault,
  { map, segmentIndex }: SegmentOfMap,
  signal: AbortSignal,
): Promise<Segment | undefined> {
  const ref = map.segments[segmentIndex];
  if (!ref) return undefined;
  try {
    return await readSegment(vault, { ref, segmentIndex, blocks: blocksOf(map, segmentIndex) }, signal);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return rebuildSegment(vault, { map, segmentIndex }, signal).catch((failure: unknown) => {
      throw isDamage(failure) ? error : failure;
    });
  }
}

/**
 * A segment out of the trailers of the volume's packs. Of two packs that hold the same block the newer run's counts; an
 * older block that has become a hole since is told by the number of stored blocks in the map, and then nothing is rebuilt.
 */
export async function rebuildSegment(
  vault: Vault,
  { map, segmentIndex }: SegmentOfMap,
  signal: AbortSignal,
): Promise<Segment> {
  const ref = map.segments[segmentIndex];
  const packs = await packsOfLostSegments(vault, { map, segmentIndex }, signal);
  const newest = new Map<number, SegmentEntry>();
  const first = segmentIndex * SEGMENT_BLOCKS;
  for (const [pack, { entries }] of (await readTrailers(vault, packs, signal)).entries()) {
    for (const { blockIndex, ...entry } of entries) {
      const position = blockIndex - first;
      if (position >= 0 && position < SEGMENT_BLOCKS) newest.set(position, { ...entry, position, pack });
    }
  }
  if (!ref || newest.size !== ref.storedBlocks) {
    const object = ref && segmentKey(ref.runId, ref.segmentId);
    const message = `the trailers of its packs name ${newest.size} blocks of segment ${segmentIndex}, the map ${ref?.storedBlocks ?? 0}: which of them became holes is not told`;
    throw new FormatError(message, object ? { context: { object } } : {});
  }
  const entries = [...newest.values()].sort((a, b) => a.position - b.position);
  return { segmentIndex, blocks: blocksOf(map, segmentIndex), packs, entries };
}

/** Oldest run first. A pack is of one segment, so those that other segments name need not be looked at. */
async function packsOfLostSegments(
  vault: Vault,
  { map, segmentIndex: lost }: SegmentOfMap,
  signal: AbortSignal,
): Promise<SegmentPack[]> {
  const elsewhere = new Set<string>();
  await sideBySide(map.segments.entries(), READS_AT_ONCE, async ([segmentIndex, ref]) => {
    if (!ref || segmentIndex === lost) return;
    const blocks = blocksOf(map, segmentIndex);
    const segment = await readSegment(vault, { ref, segmentIndex, blocks }, signal).catch(lostToo);
    for (const { packId } of segment?.packs ?? []) elsewhere.add(packId);
  });
  return map.packs
    .filter(({ packId }) => !elsewhere.has(packId))
    .map(({ runId, packId, keyEpoch, packBytes }) => ({ runId, packId, keyEpoch, packBytes }))
    .sort((a, b) => (a.runId < b.runId ? -1 : 1));
}

function lostToo(error: unknown): undefined {
  if (!isDamage(error)) throw error;
  return undefined;
}

async function readTrailers(vault: Vault, packs: readonly SegmentPack[], signal: AbortSignal) {
  const trailers: Awaited<ReturnType<typeof readTrailer>>[] = [];
  await sideBySide(packs.entries(), READS_AT_ONCE, async ([at, pack]) => {
    trailers[at] = await readTrailer(vault, pack, signal);
  });
  return trailers;
}

function blocksOf(map: VolumeMap, segmentIndex: number): number {
  return countSegmentBlocks(map.volumeBytes, segmentIndex);
}
