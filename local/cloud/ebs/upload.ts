import { type FileHandle, rename, stat } from 'node:fs/promises';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import { tokenHash } from '../ec2/client-token.ts';
import { NO_VOLUME } from '../ec2/snapshots.ts';
import { checkCount, checkedTags } from '../ec2/tag-specifications.ts';
import { newId } from '../ids.ts';
import { ensureEbsKey } from '../kms/find-key.ts';
import type { SnapshotRecord, Tags } from '../records.ts';
import { BLOCK_BYTES, blocksOf, gibToBytes } from '../storage/bitmap.ts';
import { snapshotData } from '../storage/layout.ts';
import { isXmlText } from '../wire/xml-text.ts';
import { checkKey, knownSnapshot, snapshotMissing } from './snapshot-access.ts';

const MAX_PENDING = 100; // StartSnapshot pending snapshots per account
const DEFAULT_TIMEOUT_MINUTES = 60;
const MAX_TIMEOUT_MINUTES = 4_320; // three days, by the model of the service (2019-11-02)
const MAX_TAG_VALUE_CHARACTERS = 255; // by the same model: one less than EC2's

/** EC2 shows these in XML. */
const Text = z.string().refine(isXmlText, 'holds a character that XML 1.0 cannot');

const StartSnapshot = z.strictObject({
  VolumeSize: z.int().min(1).max(65_536),
  ParentSnapshotId: z.string().optional(),
  Tags: z.array(z.strictObject({ Key: Text, Value: Text.default('') })).default([]),
  Description: Text.max(255).default(''),
  ClientToken: z.string().max(255).optional(),
  Encrypted: z.boolean().optional(),
  KmsKeyArn: z.string().optional(),
  Timeout: z.int().min(10).max(MAX_TIMEOUT_MINUTES).default(DEFAULT_TIMEOUT_MINUTES),
});

export function startSnapshot(cloud: Cloud, body: unknown): { status: number; answer: object } {
  const parsed = StartSnapshot.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue?.path.join('.')}: ${issue?.message}`, 'INVALID_PARAMETER_VALUE');
  }
  const input = parsed.data;
  const hash = tokenHash(input);
  const uploads = cloud.db.snapshots.all().filter(({ upload }) => upload !== undefined);
  const earlier = uploads.find(
    ({ upload }) => upload?.clientToken !== undefined && upload.clientToken === input.ClientToken,
  );
  if (earlier !== undefined && earlier.upload?.tokenHash !== hash) {
    throw new CloudError('ConflictException', 'The client token was used with other parameters', { httpStatus: 409 });
  }
  if (earlier !== undefined) return { status: 201, answer: render(cloud, earlier) };
  if (uploads.filter(({ state }) => state === 'pending').length >= MAX_PENDING) {
    throw new CloudError('ServiceQuotaExceededException', 'Too many pending snapshots', {
      httpStatus: 402,
      reason: 'DEPENDENCY_SERVICE_QUOTA_EXCEEDED',
    });
  }
  const tags = uploadTags(input.Tags);
  const id = newId('snap');
  const snapshot = cloud.db.snapshots.put({
    id,
    createdAt: cloud.now(),
    startedAt: cloud.now(),
    tags,
    state: 'pending',
    origin: 'direct',
    description: input.Description,
    volumeId: NO_VOLUME,
    sizeGiB: input.VolumeSize,
    progress: 0,
    ...inheritance(cloud, input),
    listing: 0,
    upload: {
      ...(input.ClientToken !== undefined && { clientToken: input.ClientToken, tokenHash: hash }),
      timeoutMs: input.Timeout * 60_000,
      lastWriteAt: cloud.now(),
    },
  });
  return { status: 201, answer: render(cloud, snapshot) };
}

/** EC2's rules for tags, in this service's words. */
function uploadTags(list: z.output<typeof StartSnapshot>['Tags']): Tags {
  const long = list.find(({ Value }) => [...Value].length > MAX_TAG_VALUE_CHARACTERS);
  if (long !== undefined)
    throw invalid(`the value of ${long.Key} exceeds ${MAX_TAG_VALUE_CHARACTERS} characters`, 'INVALID_TAG');
  try {
    return checkCount(checkedTags(list));
  } catch (error) {
    if (error instanceof CloudError) throw invalid(error.message, 'INVALID_TAG');
    throw error;
  }
}

/** Encryption follows the parent; saying both is an error, as on AWS. */
function inheritance(
  cloud: Cloud,
  input: z.output<typeof StartSnapshot>,
): Pick<SnapshotRecord, 'encrypted' | 'kmsKeyArn' | 'parentId'> {
  if (input.ParentSnapshotId === undefined) {
    if (input.Encrypted !== true && input.KmsKeyArn !== undefined)
      throw invalid('KmsKeyArn needs Encrypted', 'INVALID_PARAMETER_VALUE');
    if (input.Encrypted !== true) return { encrypted: false };
    if (input.KmsKeyArn === undefined) return { encrypted: true, kmsKeyArn: ensureEbsKey(cloud).arn };
    if (!cloud.db.keys.all().some(({ arn }) => arn === input.KmsKeyArn))
      throw invalid(`no such key: ${input.KmsKeyArn}`, 'INVALID_CUSTOMER_KEY');
    checkKey(cloud, input.KmsKeyArn);
    return { encrypted: true, kmsKeyArn: input.KmsKeyArn };
  }
  if (input.Encrypted !== undefined || input.KmsKeyArn !== undefined) {
    throw invalid('ParentSnapshotId and Encrypted or KmsKeyArn cannot be used together', 'INVALID_PARAMETER_VALUE');
  }
  const parent = knownSnapshot(cloud, input.ParentSnapshotId);
  if (parent.state !== 'completed') throw invalid(`the parent ${parent.id} is ${parent.state}`, 'INVALID_SNAPSHOT_ID');
  if (parent.sizeGiB > input.VolumeSize) throw invalid('VolumeSize is smaller than the parent', 'INVALID_VOLUME_SIZE');
  checkKey(cloud, parent.kmsKeyArn);
  const { encrypted, kmsKeyArn, id } = parent;
  return { encrypted, parentId: id, ...(kmsKeyArn !== undefined && { kmsKeyArn }) };
}

export interface PutRequest {
  readonly block: number;
  readonly body: Buffer;
  readonly bodySha256: Buffer;
  readonly dataLength: string | undefined;
  readonly checksum: string | undefined;
  readonly algorithm: string | undefined;
}

export async function putSnapshotBlock(cloud: Cloud, snapshotId: string, put: PutRequest): Promise<string> {
  const snapshot = openUpload(cloud, snapshotId);
  if (!Number.isInteger(put.block) || put.block < 0 || put.block >= blocksOf(snapshot.sizeGiB)) {
    throw invalid(`block ${put.block} lies outside the volume`, 'INVALID_BLOCK');
  }
  if (put.algorithm !== 'SHA256') throw invalid('x-amz-Checksum-Algorithm must be SHA256', 'INVALID_PARAMETER_VALUE');
  if (put.body.length !== BLOCK_BYTES || put.dataLength !== String(BLOCK_BYTES)) {
    throw invalid(`a block has ${BLOCK_BYTES} bytes, not ${put.body.length}`, 'INVALID_BLOCK');
  }
  const checksum = put.bodySha256.toString('base64');
  if (put.checksum !== checksum) throw invalid('x-amz-Checksum does not match the data', 'INVALID_PARAMETER_VALUE');
  checkKey(cloud, snapshot.kmsKeyArn);
  const { database } = cloud.store;
  const known = database.prepare('SELECT 1 FROM put_block WHERE snapshot = ? AND block = ?').get(snapshotId, put.block);
  const handle = await cloud.snapshots.blocks.handle(snapshotId);
  if (known === undefined) await writeSparse(handle, put);
  else await handle.write(put.body, 0, BLOCK_BYTES, put.block * BLOCK_BYTES);
  database
    .prepare('INSERT OR REPLACE INTO put_block (snapshot, block, digest) VALUES (?, ?, ?)')
    .run(snapshotId, put.block, put.bodySha256);
  cloud.snapshots.noteWrite(snapshotId);
  return checksum;
}

/**
 * Moves a raw image of the volume's size to where an open upload has its bytes, as if each of its blocks had been put, and
 * returns how many those are. Nobody has hashed them, so the upload completes only without a checksum of its own.
 */
export async function takeImage(cloud: Cloud, snapshotId: string, file: string): Promise<number> {
  const { sizeGiB } = openUpload(cloud, snapshotId);
  const { size } = await stat(file);
  if (size !== gibToBytes(sizeGiB)) throw invalid(`${file} has ${size} bytes, not ${sizeGiB} GiB`, 'INVALID_BLOCK');
  await cloud.snapshots.blocks.forget(snapshotId);
  await rename(file, snapshotData(cloud.stateDir, snapshotId));
  const blocks = blocksOf(sizeGiB);
  const put = cloud.store.database.prepare(
    'INSERT OR REPLACE INTO put_block (snapshot, block, digest) VALUES (?, ?, ?)',
  );
  cloud.store.together(() => {
    for (let block = 0; block < blocks; block++) put.run(snapshotId, block, NOT_HASHED);
  });
  cloud.snapshots.noteWrite(snapshotId);
  return blocks;
}

const NOT_HASHED = new Uint8Array();

/** Of a first block what is zeros stays a hole in the file: pieces of 16 KiB, so that a block takes at most 32 writes. */
const PIECE_BYTES = 16_384;
const ZEROS = Buffer.alloc(PIECE_BYTES);

async function writeSparse(handle: FileHandle, { body, block }: PutRequest): Promise<void> {
  const isZero = (at: number) => body.subarray(at, at + PIECE_BYTES).equals(ZEROS);
  for (let from = 0; from < BLOCK_BYTES; ) {
    let to = from + PIECE_BYTES;
    while (to < BLOCK_BYTES && isZero(to) === isZero(from)) to += PIECE_BYTES;
    if (!isZero(from)) await handle.write(body, from, to - from, block * BLOCK_BYTES + from);
    from = to;
  }
}

export interface CompleteRequest {
  readonly changedBlocksCount: string | undefined;
  readonly checksum: string | undefined;
  readonly algorithm: string | undefined;
  readonly aggregation: string | undefined;
}

/** Accepts at once; count and checksum are judged afterwards, and the snapshot ends `completed` or `error`. */
export function completeSnapshot(cloud: Cloud, snapshotId: string, request: CompleteRequest): object {
  const blocks = Number(request.changedBlocksCount);
  if (!Number.isInteger(blocks) || blocks < 0)
    throw invalid('x-amz-ChangedBlocksCount is missing or not a number', 'INVALID_PARAMETER_VALUE');
  const forms = [request.algorithm ?? 'SHA256', request.aggregation ?? 'LINEAR'];
  if (forms[0] !== 'SHA256' || forms[1] !== 'LINEAR')
    throw invalid('only SHA256 aggregated LINEAR is known', 'INVALID_PARAMETER_VALUE');
  const snapshot = knownSnapshot(cloud, snapshotId);
  if (snapshot.origin !== 'direct') throw invalid(`${snapshotId} was not made by StartSnapshot`, 'INVALID_SNAPSHOT_ID');
  if (snapshot.state !== 'pending') return { Status: snapshot.state };
  if (snapshot.upload !== undefined && snapshot.upload.announced === undefined) {
    const announced = {
      blocks,
      at: cloud.now(),
      ...(request.checksum !== undefined && { checksum: request.checksum }),
    };
    cloud.db.snapshots.update(snapshotId, { upload: { ...snapshot.upload, announced } });
  }
  void cloud.snapshots.drive(snapshotId);
  return { Status: 'pending' };
}

function openUpload(cloud: Cloud, id: string): SnapshotRecord {
  const snapshot = knownSnapshot(cloud, id);
  if (cloud.now() - snapshot.startedAt < cloud.settings.ebs.notFoundAfterStartMs) throw snapshotMissing(id);
  if (snapshot.origin !== 'direct' || snapshot.state !== 'pending' || snapshot.upload?.announced !== undefined) {
    throw invalid(`${id} takes no blocks: it is not an open upload`, 'INVALID_SNAPSHOT_ID');
  }
  return snapshot;
}

function render({ settings }: Cloud, snapshot: SnapshotRecord): object {
  return {
    SnapshotId: snapshot.id,
    OwnerId: settings.accountId,
    Status: 'pending',
    StartTime: snapshot.startedAt / 1_000,
    VolumeSize: snapshot.sizeGiB,
    BlockSize: BLOCK_BYTES,
    Description: snapshot.description,
    Tags: Object.entries(snapshot.tags).map(([Key, Value]) => ({ Key, Value })),
    ...(snapshot.parentId !== undefined && { ParentSnapshotId: snapshot.parentId }),
    ...(snapshot.kmsKeyArn !== undefined && { KmsKeyArn: snapshot.kmsKeyArn }),
  };
}

function invalid(message: string, reason: string): CloudError {
  return new CloudError('ValidationException', message, { reason });
}
