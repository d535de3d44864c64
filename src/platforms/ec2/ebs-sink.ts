import { createHash } from 'node:crypto';
import { CompleteSnapshotCommand, PutSnapshotBlockCommand, StartSnapshotCommand } from '@aws-sdk/client-ebs';
import type { Snapshot } from '@aws-sdk/client-ec2';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import { PlatformError } from '../../errors.ts';
import { BLOCK_BYTES, type BlockSink, type SinkResult } from '../../vault/block-source.ts';
import { hex } from '../../vault/bytes.ts';
import { setHeader } from '../../vault/set-header.ts';
import type { WrittenBlocks } from '../../vault/written-blocks.ts';
import type { SinkRequest } from '../platform.ts';
import type { Ec2Context } from './context.ts';
import { retryBlockCall } from './ebs-retry.ts';
import { call, isCode } from './errors.ts';
import { MUST_SHOW_WITHIN_MS, make } from './make.ts';
import { GIB, present } from './narrow.ts';
import { claimSnapshot, ownedSnapshots } from './owned.ts';
import { repeatUntil } from './repeat.ts';
import { runTags, TAG } from './tags.ts';

/** Minutes without a put or a completion after which EBS gives the snapshot up; a stalled mover is restarted in less. */
const IDLE_MINUTES = 60;
/** 16 TiB take minutes after the last block. */
const COMPLETED_WITHIN_MS = 60 * 60_000;

/** Starts a snapshot to be written, or finds what an earlier attempt started or completed, by tag and by token. */
export async function openEbsSink(context: Ec2Context, request: SinkRequest, signal: AbortSignal): Promise<BlockSink> {
  const { run, name } = request;
  const ours = (await ownedSnapshots(context, run, signal)).filter(
    ({ tags }) => tags[TAG.name] === name && tags[TAG.role] === request.role,
  );
  const completed = ours.find(({ resource }) => resource.State === 'completed');
  if (completed) return finishedSink(present(completed.resource.SnapshotId, 'SnapshotId', name));
  // One that was given up cannot be written any more: its number makes the next token a new one.
  const givenUp = ours.filter(({ resource }) => isGivenUp(resource)).length;
  const pending = ours.find(({ resource }) => resource.State === 'pending')?.resource.SnapshotId;
  const snapshotId = pending ?? (await startSnapshot(context, request, givenUp, signal));
  return {
    write: (index, bytes, sha256, writeSignal) =>
      writeBlock(context, { snapshotId, index, bytes, sha256 }, writeSignal),
    complete: (written, completeSignal) => completeSnapshot(context, request, { snapshotId, written }, completeSignal),
  };
}

function isGivenUp({ State }: Snapshot): boolean {
  return State !== 'pending' && State !== 'completed';
}

/** Completed by an earlier attempt, which proved every digest: nothing is left to write. */
function finishedSink(ref: string): BlockSink {
  return { write: () => Promise.resolve(), complete: () => Promise.resolve({ ref }) };
}

async function startSnapshot(
  context: Ec2Context,
  request: SinkRequest,
  givenUp: number,
  signal: AbortSignal,
): Promise<string> {
  const { run, role, name, volumeBytes, encryption } = request;
  const command = new StartSnapshotCommand({
    VolumeSize: Math.ceil(volumeBytes / GIB),
    ClientToken: createHash('sha256').update([run.runId, role, name, givenUp].join('\n')).digest('hex').slice(0, 64),
    Description: `Understudy ${role} of run ${run.runId}`,
    Tags: runTags(run, role, { name }),
    Timeout: IDLE_MINUTES,
    ...(encryption !== 'none' && { Encrypted: true }),
    ...(typeof encryption === 'object' && { KmsKeyArn: await keyArn(context, encryption.kmsKeyId, signal) }),
  });
  const attempted = `StartSnapshot for ${name}`;
  const answer = await retryBlockCall(context, { attempted }, signal, () =>
    make(context, attempted, signal, () => context.clients.ebs.send(command)),
  );
  if (answer.BlockSize !== undefined && answer.BlockSize !== BLOCK_BYTES) {
    throw new PlatformError(
      'PlatformRefused',
      `StartSnapshot for ${name} wants blocks of ${answer.BlockSize} bytes, this version writes ${BLOCK_BYTES}.`,
    );
  }
  return present(answer.SnapshotId, 'SnapshotId', `the snapshot for ${name}`);
}

/** StartSnapshot takes only an ARN, while profiles may name a key by id or alias. */
async function keyArn({ clients }: Ec2Context, keyId: string, signal: AbortSignal): Promise<string> {
  if (keyId.startsWith('arn:') && !keyId.includes(':alias/')) return keyId;
  const answer = await call(`DescribeKey ${keyId}`, signal, () =>
    clients.kms.send(new DescribeKeyCommand({ KeyId: keyId }), { abortSignal: signal }),
  );
  return present(answer.KeyMetadata?.Arn, 'Arn', `the key ${keyId}`);
}

interface BlockToWrite {
  readonly snapshotId: string;
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly sha256: Uint8Array;
}

async function writeBlock(
  context: Ec2Context,
  { snapshotId, index, bytes, sha256 }: BlockToWrite,
  signal: AbortSignal,
): Promise<void> {
  if (bytes.length !== BLOCK_BYTES)
    throw new RangeError(`block ${index} has ${bytes.length} bytes, EBS takes ${BLOCK_BYTES}`);
  const attempted = `PutSnapshotBlock ${snapshotId} ${index}`;
  await retryBlockCall(context, { attempted, isNew: true }, signal, () => {
    const command = new PutSnapshotBlockCommand({
      SnapshotId: snapshotId,
      BlockIndex: index,
      BlockData: bytes,
      DataLength: BLOCK_BYTES,
      Checksum: Buffer.from(sha256).toString('base64'),
      ChecksumAlgorithm: 'SHA256',
    });
    // What the signature covers is the same digest; the SDK would hash every block once more.
    setHeader(command, 'x-amz-content-sha256', hex(sha256));
    return context.clients.ebs.send(command, { abortSignal: signal });
  });
}

interface Completion {
  readonly snapshotId: string;
  readonly written: WrittenBlocks;
}

/** A wrong count or checksum shows only later, as a snapshot in `error`: completed means that EC2 says so. */
async function completeSnapshot(
  context: Ec2Context,
  { run }: SinkRequest,
  { snapshotId, written }: Completion,
  signal: AbortSignal,
): Promise<SinkResult> {
  const shown = { limitMs: MUST_SHOW_WITHIN_MS, what: `snapshot ${snapshotId} to show` };
  const snapshot = await repeatUntil(context, shown, signal, async () => {
    try {
      return (await claimSnapshot(context, run, snapshotId, signal)).snapshot;
    } catch (error) {
      if (isCode(error, 'ResourceMissing', 'ResourceNotOurs')) return undefined; // EC2 learns of it, and of its tags, late
      throw error;
    }
  });
  if (snapshot.State === 'pending') {
    await retryBlockCall(context, { attempted: `CompleteSnapshot ${snapshotId}`, isNew: true }, signal, () =>
      context.clients.ebs.send(
        new CompleteSnapshotCommand({
          SnapshotId: snapshotId,
          ChangedBlocksCount: written.count,
          Checksum: Buffer.from(written.checksum()).toString('base64'),
          ChecksumAlgorithm: 'SHA256',
          ChecksumAggregationMethod: 'LINEAR',
        }),
        { abortSignal: signal },
      ),
    );
  }
  return repeatUntil(
    context,
    { limitMs: COMPLETED_WITHIN_MS, what: `snapshot ${snapshotId} to complete` },
    signal,
    async () => {
      const { snapshot: now } = await claimSnapshot(context, run, snapshotId, signal);
      if (now.State === 'completed') return { ref: snapshotId };
      if (!isGivenUp(now)) return undefined;
      throw new PlatformError(
        'SnapshotFailed',
        `The written snapshot ${snapshotId} ended in ${now.State}: ${now.StateMessage ?? 'no reason given'}.`,
        {
          context: { snapshotId, blocks: written.count },
        },
      );
    },
  );
}
