import { createHash } from 'node:crypto';
import { VaultError } from '../errors.ts';
import { findShardRecord } from './archive-shard.ts';
import { sha256Hex } from './bytes.ts';
import type { MapRef } from './fields.ts';
import { NONCE_BYTES } from './gcm.ts';
import { inOrder } from './in-order.ts';
import { lockedAs, packRetainUntil } from './lock-policy.ts';
import { mapKey, mapsPrefix, shardKey } from './object-keys.ts';
import { countSegmentBlocks, countShards } from './parameters.ts';
import type { ParentVolume } from './parent-volume.ts';
import { readMap } from './read-map.ts';
import { readSegment } from './read-segment.ts';
import { openRun, type Run } from './run.ts';
import { sealObject } from './sealed-object.ts';
import type { Segment, SegmentPack } from './segment.ts';
import type { SegmentRef, ShardRecord } from './shard-record.ts';
import type { Vault } from './vault.ts';
import { addToDigest } from './volume-digest.ts';
import { encodeVolumeMap, MAP_FRAME, type MapPack, type VolumeMap } from './volume-map.ts';

interface FinishVolumeRequest extends FinishRequest {
  readonly vault: Vault;
  readonly runId: string;
}

/** Of a run that is open already. */
interface FinishRequest {
  readonly volumeId: string;
  readonly volumeBytes: number;
  readonly shardSegments: number;
  /** What the run builds on: its map says how long reused packs are locked. Left out, their locks are looked at. */
  readonly parent?: ParentVolume;
  readonly signal: AbortSignal;
  /** Told once how much of the volume this run stored and how much it shares with earlier ones. */
  readonly onShares?: (shares: VolumeShares) => void;
  /** Told of each record and each segment that was read: 64 TiB have 16,384 segments. */
  readonly onProgress?: () => void;
}

// Some 20 ms each; a segment in memory is up to 8,192 entries.
const READS_AT_ONCE = 8;

export interface VolumeShares {
  readonly newBlocks: number;
  /** Of sealed blocks. */
  readonly newBytes: number;
  readonly reusedBlocks: number;
  readonly reusedBytes: number;
}

/** Checks that every shard of the volume is recorded, then writes its map. Repeatable. Needs the meta root only. */
export async function finishVolume(request: FinishVolumeRequest): Promise<MapRef> {
  const { vault, runId, signal } = request;
  return finishVolumeOf(await openRun(vault, runId, signal), request);
}

/** As finishVolume, for whoever has opened the run himself. */
export async function finishVolumeOf(run: Run, request: FinishRequest): Promise<MapRef> {
  const { volumeId, signal } = request;
  const [map, earlier] = await Promise.all([describeVolume(run, request), listMaps(run, volumeId, signal)]);
  return (await findMap(run, { map, earlier }, signal)) ?? writeMap(run, map, { volumeId, signal });
}

/** What the map of a volume says, out of the shard records of the run. */
export async function describeVolume(run: RunName, request: FinishRequest): Promise<VolumeMap> {
  return buildMap(run, request, await collectSegments(run, request));
}

type RunName = Pick<Run, 'vault' | 'runId'>;

async function collectSegments(run: RunName, request: FinishRequest): Promise<(SegmentRef | null)[]> {
  const { volumeBytes, shardSegments, signal, onProgress } = request;
  const shards = Array.from({ length: countShards(volumeBytes, shardSegments) }, (_, shard) => shard);
  const reads = shards.map((shard) => (ours: AbortSignal) => readShard(run, { ...request, shard }, ours));
  const segments: (SegmentRef | null)[] = [];
  for await (const record of inOrder(reads, { depth: READS_AT_ONCE, signal })) {
    onProgress?.();
    segments.push(...record.segments);
  }
  return segments;
}

async function readShard(
  { vault, runId }: RunName,
  { volumeId, volumeBytes, shardSegments, shard }: FinishRequest & { readonly shard: number },
  signal: AbortSignal,
): Promise<ShardRecord> {
  const record = await findShardRecord(vault, { runId, volumeId, shard, shardSegments }, signal);
  const key = shardKey(runId, volumeId, shard);
  if (!record) {
    const message = `${key} does not exist: shard ${shard} of ${volumeId} was not finished; archive it first`;
    throw new VaultError('ObjectMissing', message, { context: { key } });
  }
  if (record.volumeBytes !== volumeBytes) {
    const message = `${key} is of a volume of ${record.volumeBytes} bytes, not ${volumeBytes}`;
    throw new VaultError('ObjectExists', message, { context: { key } });
  }
  return record;
}

/** Reads every segment once: for the packs it names, and for the digest over all block ids. */
async function buildMap(
  { vault, runId }: RunName,
  request: FinishRequest,
  refs: readonly (SegmentRef | null)[],
): Promise<VolumeMap> {
  const { volumeId, volumeBytes, signal, onProgress } = request;
  const packs = new Map<string, MapPack>();
  const promised = new Map(request.parent?.map.packs.map((pack) => [pack.packId, pack.retainUntil]));
  const retainUntil = (pack: SegmentPack) => {
    const parentUntil = promised.get(pack.packId);
    return packRetainUntil(vault, { runId, pack, ...(parentUntil !== undefined && { parentUntil }) });
  };
  const shares = { newBlocks: 0, newBytes: 0, reusedBlocks: 0, reusedBytes: 0 };
  const digest = createHash('sha256');
  const reads = refs.map((ref, segmentIndex) => async (ours: AbortSignal) => {
    const blocks = countSegmentBlocks(volumeBytes, segmentIndex);
    return { blocks, segment: ref && (await readSegment(vault, { ref, segmentIndex, blocks }, ours)) };
  });
  for await (const { blocks, segment } of inOrder(reads, { depth: READS_AT_ONCE, signal })) {
    onProgress?.();
    addToDigest(digest, segment?.entries ?? [], blocks);
    if (segment) addShares(shares, segment, runId);
    for (const pack of segment?.packs ?? []) packs.set(pack.packId, { ...pack, retainUntil: retainUntil(pack) });
  }
  request.onShares?.(shares);
  const sum = (field: 'storedBlocks' | 'storedBytes') => refs.reduce((all, ref) => all + (ref?.[field] ?? 0), 0);
  return {
    volumeId,
    volumeBytes,
    storedBlocks: sum('storedBlocks'),
    storedBytes: sum('storedBytes'),
    volumeDigest: digest.digest('hex'),
    segments: refs.map((ref) => ref && withoutStoredBytes(ref)),
    packs: [...packs.values()].sort((a, b) => (a.packId < b.packId ? -1 : 1)),
  };
}

function addShares(shares: Mutable<VolumeShares>, { packs, entries }: Segment, runId: string): void {
  for (const { pack, sealedBytes } of entries) {
    const kind = packs[pack]?.runId === runId ? 'new' : 'reused';
    shares[`${kind}Blocks`]++;
    shares[`${kind}Bytes`] += sealedBytes;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function withoutStoredBytes({ runId, segmentId, segmentBytes, storedBlocks }: SegmentRef) {
  return { runId, segmentId, segmentBytes, storedBlocks };
}

type MapName = Pick<MapRef, 'runId' | 'mapId' | 'mapBytes'>;

async function listMaps({ vault, runId }: Run, volumeId: string, signal: AbortSignal): Promise<MapName[]> {
  const prefix = mapsPrefix(runId, volumeId);
  const names: MapName[] = [];
  for await (const { key, bytes: mapBytes } of vault.store.list(prefix, signal)) {
    const mapId = /^([0-9a-f]{64})\.map$/.exec(key.slice(prefix.length))?.[1];
    if (mapId !== undefined) names.push({ runId, mapId, mapBytes });
  }
  return names;
}

/** A map that an earlier attempt wrote: sealing again would give another name. */
async function findMap(
  { vault }: Run,
  { map, earlier }: { readonly map: VolumeMap; readonly earlier: readonly MapName[] },
  signal: AbortSignal,
): Promise<MapRef | undefined> {
  for (const name of earlier) {
    const found = await readMap(vault, { volumeId: map.volumeId, map: name }, signal);
    if (Buffer.compare(encodeVolumeMap(found), encodeVolumeMap(map)) === 0) return refOf(map, name);
  }
  return undefined;
}

async function writeMap(
  { vault, runId, session }: Run,
  map: VolumeMap,
  { volumeId, signal }: { volumeId: string; signal: AbortSignal },
): Promise<MapRef> {
  const bytes = sealObject(MAP_FRAME, encodeVolumeMap(map), {
    place: { vaultId: vault.vaultId, runId, name: volumeId },
    seal: {
      key: vault.keys.meta(session.epoch, 'map'),
      keyEpoch: session.epoch,
      nonce: vault.randomBytes(NONCE_BYTES),
    },
  });
  const mapId = sha256Hex(bytes);
  await vault.store.create(mapKey(runId, volumeId, mapId), bytes, signal, lockedAs(vault, runId));
  return refOf(map, { runId, mapId, mapBytes: bytes.length });
}

function refOf(map: VolumeMap, name: MapName): MapRef {
  const { storedBlocks, storedBytes, volumeDigest, packs } = map;
  return { ...name, storedBlocks, storedBytes, packs: packs.length, volumeDigest };
}
