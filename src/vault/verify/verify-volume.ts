import { createHash } from 'node:crypto';
import { FormatError } from '../../errors.ts';
import { inOrder, type Task } from '../in-order.ts';
import type { ManifestVolume } from '../manifest.ts';
import { mapKey, packKey, segmentKey } from '../object-keys.ts';
import { countSegmentBlocks, SEGMENT_BLOCKS } from '../parameters.ts';
import { readMap } from '../read-map.ts';
import { readSegment } from '../read-segment.ts';
import { rebuildSegment } from '../rebuild-segment.ts';
import type { Segment, SegmentEntry } from '../segment.ts';
import type { Vault } from '../vault.ts';
import { addToDigest } from '../volume-digest.ts';
import type { MapSegment, VolumeMap } from '../volume-map.ts';
import { BlockRanges } from './block-ranges.ts';
import { damageIn, type Finding, type OnFinding } from './findings.ts';
import { faultOf, type KnownPack, type KnownPacks } from './known-packs.ts';
import { findLost } from './probe-blocks.ts';

export interface VolumeVerdict {
  readonly volumeId: string;
  readonly storedBlocks: number;
  /** Of the stored ones: known to be lost. */
  readonly lostBlocks: number;
}

export interface VolumeRequest {
  readonly vault: Vault;
  readonly pointId: string;
  readonly volume: ManifestVolume;
  readonly known: KnownPacks;
  /** Blocks may be opened, so the data root is there. */
  readonly read: boolean;
  readonly onFinding: OnFinding;
}

// 352 KiB each at most; 20 ms a request would otherwise make a TiB of them 5 s.
const SEGMENTS_AHEAD = 4;
// Each reads every other segment of the volume once more. Where more are lost, whoever recovers finds out.
const MOST_REBUILT = 8;
const REBUILT =
  'every block: the trailers of its packs say the same, and `understudy recover` and `vault get` make it again';

/** Map, segments, the packs they name, and the digest over all block ids. Goes on behind whatever is damaged. */
export async function verifyVolume(request: VolumeRequest, signal: AbortSignal): Promise<VolumeVerdict> {
  const { vault, volume } = request;
  const { volumeId, map: ref } = volume;
  const map = await readProvenMap(request, signal);
  if (!map) return { volumeId, storedBlocks: ref.storedBlocks, lostBlocks: ref.storedBlocks };
  const walk = new VolumeWalk(request, map);
  for await (const read of inOrder(segmentTasks(vault, map), { depth: SEGMENTS_AHEAD, signal })) {
    await walk.add(read, signal);
  }
  return walk.finish();
}

async function readProvenMap(request: VolumeRequest, signal: AbortSignal): Promise<VolumeMap | undefined> {
  const { vault, volume, pointId, onFinding } = request;
  const { volumeId, map: ref, volumeBytes } = volume;
  const object = mapKey(ref.runId, volumeId, ref.mapId);
  try {
    const map = await readMap(vault, { volumeId, map: ref }, signal);
    const differs =
      differenceOf('volumeBytes', map.volumeBytes, volumeBytes) ??
      differenceOf('storedBlocks', map.storedBlocks, ref.storedBlocks) ??
      differenceOf('storedBytes', map.storedBytes, ref.storedBytes) ??
      differenceOf('packs', map.packs.length, ref.packs) ??
      differenceOf('volumeDigest', map.volumeDigest, ref.volumeDigest);
    if (differs !== undefined) throw new FormatError(`${object}: ${differs}`);
    return map;
  } catch (error) {
    const found = damageIn(error);
    const blocks = { count: ref.storedBlocks, ranges: 'all' };
    const remains = 'nothing of this volume through this point; its packs describe themselves';
    onFinding({ severity: 'damage', object, found, remains, pointId, volumeId, blocks });
    return undefined;
  }
}

function differenceOf(field: string, found: number | string, wanted: number | string): string | undefined {
  return found === wanted ? undefined : `${field} is ${found}, the point's manifest says ${wanted}`;
}

interface ReadSegment {
  readonly segmentIndex: number;
  readonly ref: MapSegment | null;
  readonly segment: Segment | null;
  readonly fault?: string;
}

function* segmentTasks(vault: Vault, map: VolumeMap): Iterable<Task<ReadSegment>> {
  for (const [segmentIndex, ref] of map.segments.entries()) {
    const blocks = countSegmentBlocks(map.volumeBytes, segmentIndex);
    yield async (signal) => {
      if (!ref) return { segmentIndex, ref, segment: null };
      try {
        return { segmentIndex, ref, segment: await readSegment(vault, { ref, segmentIndex, blocks }, signal) };
      } catch (error) {
        return { segmentIndex, ref, segment: null, fault: damageIn(error) };
      }
    };
  }
}

/** What was found of one volume so far. */
class VolumeWalk {
  readonly #request: VolumeRequest;
  readonly #map: VolumeMap;
  readonly #digest = createHash('sha256');
  /** By pack: what this volume has lost. Packs with a fault are here even if nothing of this volume is lost. */
  readonly #lost = new Map<string, { readonly fault: string; readonly blocks: BlockRanges }>();
  readonly #unnamed: Set<string>;
  #lostBlocks = 0;
  #lostSegments = 0;
  #wholeDigest = true;

  constructor(request: VolumeRequest, map: VolumeMap) {
    this.#request = request;
    this.#map = map;
    this.#unnamed = new Set(map.packs.map(({ runId, packId }) => packKey(runId, packId)));
  }

  async add({ segmentIndex, ref, segment, fault }: ReadSegment, signal: AbortSignal): Promise<void> {
    if (fault === undefined || !ref) return this.#addBlocks(segmentIndex, segment, signal);
    const rebuilt = await this.#rebuild(segmentIndex, signal);
    if (!rebuilt) return this.#loseSegment(segmentIndex, { ref, fault });
    this.#report({ object: segmentKey(ref.runId, ref.segmentId), found: fault, remains: REBUILT });
    await this.#addBlocks(segmentIndex, rebuilt, signal);
  }

  async #addBlocks(segmentIndex: number, segment: Segment | null, signal: AbortSignal): Promise<void> {
    addToDigest(this.#digest, segment?.entries ?? [], countSegmentBlocks(this.#map.volumeBytes, segmentIndex));
    if (segment) for (const [at] of segment.packs.entries()) await this.#addPack(segment, at, signal);
  }

  /** Undefined where the packs do not say enough. */
  async #rebuild(segmentIndex: number, signal: AbortSignal): Promise<Segment | undefined> {
    this.#lostSegments++;
    if (this.#lostSegments > MOST_REBUILT) return undefined;
    return rebuildSegment(this.#request.vault, { map: this.#map, segmentIndex }, signal).catch((error: unknown) => {
      damageIn(error);
      return undefined;
    });
  }

  #loseSegment(segmentIndex: number, { ref, fault }: { ref: MapSegment; fault: string }): void {
    const first = segmentIndex * SEGMENT_BLOCKS;
    const last = first + countSegmentBlocks(this.#map.volumeBytes, segmentIndex) - 1;
    this.#wholeDigest = false;
    this.#lostBlocks += ref.storedBlocks;
    this.#report({
      object: segmentKey(ref.runId, ref.segmentId),
      found: fault,
      blocks: { count: ref.storedBlocks, ranges: `stored ones of ${first}-${last}` },
    });
  }

  async #addPack(segment: Segment, at: number, signal: AbortSignal): Promise<void> {
    const named = segment.packs[at];
    if (!named) return;
    const key = packKey(named.runId, named.packId);
    this.#unnamed.delete(key);
    const entries = segment.entries.filter(({ pack }) => pack === at);
    const pack = this.#request.known.get(key);
    if (!pack || pack.packBytes !== named.packBytes || pack.keyEpoch !== named.keyEpoch) {
      return this.#lose(segment, {
        key,
        fault: `${key} is not in the map's pack set as the segment names it`,
        entries,
      });
    }
    const doubted = faultOf(pack) === undefined ? unprovenOf(pack, entries) : entries;
    if (doubted.length === 0) return;
    const fault = faultOf(pack) ?? `${key} does not hold ${doubted.length} blocks as the segment names them`;
    const { vault, read } = this.#request;
    this.#lose(segment, {
      key,
      fault,
      entries: await findLost(vault, { segment, pack, entries: doubted, read }, signal),
    });
  }

  #lose(
    { segmentIndex }: Segment,
    { key, fault, entries }: { key: string; fault: string; entries: readonly SegmentEntry[] },
  ): void {
    const lost = this.#lost.get(key) ?? { fault, blocks: new BlockRanges() };
    for (const { position } of entries) lost.blocks.add(segmentIndex * SEGMENT_BLOCKS + position);
    this.#lostBlocks += entries.length;
    this.#lost.set(key, lost);
  }

  finish(): VolumeVerdict {
    const { volumeId, storedBlocks, volumeDigest } = this.#map;
    const { runId, mapId } = this.#request.volume.map;
    const object = mapKey(runId, volumeId, mapId);
    for (const [key, { fault, blocks }] of this.#lost) {
      const lost = { count: blocks.count, ranges: blocks.text };
      this.#report({ object: key, found: fault, ...(blocks.count > 0 && { blocks: lost }) });
    }
    const digest = this.#digest.digest('hex');
    if (this.#wholeDigest && digest !== volumeDigest) {
      this.#report({ object, found: `the map promises the digest ${volumeDigest}, its segments give ${digest}` });
    }
    if (this.#wholeDigest && this.#unnamed.size > 0) {
      const [first] = this.#unnamed;
      this.#report({ object, found: `the pack set names ${this.#unnamed.size} packs that no segment uses: ${first}` });
    }
    return { volumeId, storedBlocks, lostBlocks: this.#lostBlocks };
  }

  #report(finding: Pick<Finding, 'object' | 'found' | 'blocks'> & { readonly remains?: string }): void {
    const { pointId, read } = this.#request;
    const { volumeId } = this.#map;
    this.#request.onFinding({
      severity: 'damage',
      remains: remainsOf(finding.blocks?.count ?? 0, { storedBlocks: this.#map.storedBlocks, read }),
      pointId,
      volumeId,
      ...finding,
    });
  }
}

function unprovenOf({ proven }: KnownPack, entries: readonly SegmentEntry[]): readonly SegmentEntry[] {
  return proven ? entries.filter((entry) => !proven.has(entry)) : [];
}

function remainsOf(lost: number, { storedBlocks, read }: { storedBlocks: number; read: boolean }): string {
  if (lost === 0)
    return read ? 'every block of the volume' : 'blocks were not read at this level; verify with sample or full';
  return `${storedBlocks - lost} of ${storedBlocks} stored blocks do not need this object`;
}
