import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import type { SnapshotRecord } from '../records.ts';
import { BLOCK_BYTES } from '../storage/bitmap.ts';
import { changedBetween } from '../storage/lineage.ts';
import { readableSnapshot } from './snapshot-access.ts';
import { blockToken, decodePageToken, encodePageToken } from './tokens.ts';

const MIN_RESULTS = 100;
const MAX_RESULTS = 10_000;

interface ListRequest {
  readonly pageToken: string | undefined;
  readonly maxResults: number | undefined;
  readonly startingBlockIndex: number | undefined;
}

export function listSnapshotBlocks(cloud: Cloud, snapshotId: string, request: ListRequest): object {
  readableSnapshot(cloud, snapshotId);
  const page = openPage(cloud, [snapshotId], request);
  const [snapshot] = page.snapshots;
  if (snapshot === undefined) throw new Error(`${snapshotId} vanished while it was listed`);
  const { blocks, next } = take(cloud.snapshots.blocks.written(snapshot).from(page.start), page.limit);
  return {
    Blocks: blocks.map((block) => ({
      BlockIndex: block,
      BlockToken: blockToken(cloud, snapshot, block, page.expiresAt),
    })),
    ...answerFrame(cloud, page, snapshot, next),
  };
}

export function listChangedBlocks(
  cloud: Cloud,
  firstId: string | undefined,
  secondId: string,
  request: ListRequest,
): object {
  if (firstId === undefined) {
    throw new CloudError('ValidationException', 'FirstSnapshotId must be specified with a SecondSnapshotId', {
      reason: 'INVALID_PARAMETER_VALUE',
    });
  }
  for (const id of [firstId, secondId]) readableSnapshot(cloud, id);
  const { blocks: store } = cloud.snapshots;
  const lineage = { find: (id: string) => cloud.db.snapshots.get(id), changed: (id: string) => store.changed(id) };
  const changed = changedBetween(lineage, firstId, secondId, cloud.settings.ebs.relateSiblings);
  if (changed === undefined) {
    throw new CloudError(
      'ValidationException',
      'The specified snapshots do not have the same volume/snapshot lineage',
      { reason: 'UNRELATED_SNAPSHOTS' },
    );
  }
  const page = openPage(cloud, [firstId, secondId], request);
  const [first, second] = page.snapshots;
  if (first === undefined || second === undefined)
    throw new Error(`${firstId} or ${secondId} vanished while it was listed`);
  const { blocks, next } = take(changed.from(page.start), page.limit);
  const token = (name: string, snapshot: SnapshotRecord, block: number) =>
    store.written(snapshot).has(block) ? { [name]: blockToken(cloud, snapshot, block, page.expiresAt) } : {};
  return {
    ChangedBlocks: blocks.map((block) => ({
      BlockIndex: block,
      ...token('FirstBlockToken', first, block),
      ...token('SecondBlockToken', second, block),
    })),
    ...answerFrame(cloud, page, second, next),
  };
}

interface OpenPage {
  readonly of: string;
  readonly snapshots: readonly SnapshotRecord[];
  readonly start: number;
  readonly limit: number;
  readonly expiresAt: number;
}

/** A first page starts a new listing, which ends the tokens of the one before; a further page goes on with its own. */
function openPage(cloud: Cloud, ids: readonly string[], request: ListRequest): OpenPage {
  const { db, settings, now } = cloud;
  const limit = readLimit(request.maxResults);
  const of = ids.join('/');
  const expiresAt = now() + settings.ebs.blockTokenMs;
  if (request.pageToken !== undefined) {
    const { start, listings } = decodePageToken(cloud, request.pageToken, of);
    const snapshots = ids.flatMap((id, index) => {
      const snapshot = db.snapshots.get(id);
      return snapshot === undefined ? [] : [{ ...snapshot, listing: listings[index] ?? 0 }];
    });
    return { of, snapshots, start, limit, expiresAt };
  }
  const snapshots = [...new Set(ids)].map((id) =>
    db.snapshots.update(id, { listing: (db.snapshots.get(id)?.listing ?? 0) + 1 }),
  );
  const start = request.startingBlockIndex ?? 0;
  const all = ids.flatMap((id) => snapshots.find((snapshot) => snapshot.id === id) ?? []);
  return { of, snapshots: all, start, limit: settings.ebs.emptyPages ? 0 : limit, expiresAt };
}

function readLimit(maxResults: number | undefined): number {
  if (maxResults === undefined) return MAX_RESULTS;
  if (maxResults > MAX_RESULTS) {
    throw new CloudError('ValidationException', `MaxResults is at most ${MAX_RESULTS}`, {
      reason: 'INVALID_PARAMETER_VALUE',
    });
  }
  return Math.max(MIN_RESULTS, maxResults);
}

/** Up to `limit` blocks, and the one that the next page starts with. */
function take(blocks: Generator<number>, limit: number): { blocks: number[]; next: number | undefined } {
  const taken: number[] = [];
  for (const block of blocks) {
    if (taken.length === limit) return { blocks: taken, next: block };
    taken.push(block);
  }
  return { blocks: taken, next: undefined };
}

function answerFrame(
  cloud: Cloud,
  { of, snapshots, expiresAt }: OpenPage,
  { sizeGiB }: SnapshotRecord,
  next: number | undefined,
) {
  const listings = snapshots.map(({ listing }) => listing);
  const position = { of, start: next ?? 0, listings, expiresAt: cloud.now() + cloud.settings.ebs.pageTokenMs };
  return {
    ...(next !== undefined && { NextToken: encodePageToken(cloud, position) }),
    ExpiryTime: expiresAt / 1_000,
    VolumeSize: sizeGiB,
    BlockSize: BLOCK_BYTES,
  };
}
