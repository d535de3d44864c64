import { setTimeout as sleep } from 'node:timers/promises';
import { CompleteSnapshotCommand, PutSnapshotBlockCommand, StartSnapshotCommand } from '@aws-sdk/client-ebs';
import { DeleteSnapshotCommand, EC2Client } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type ArchivedWithChanges,
  createArchiveActivities,
  type VolumeOrder,
} from '../../../src/activities/archive.ts';
import { draftOf } from '../../../src/activities/commit.ts';
import { beginIncrement } from '../../../src/activities/increment.ts';
import type { SnapshotFacts } from '../../../src/contract/machine.ts';
import type { Run } from '../../../src/contract/run.ts';
import { createEc2Platform } from '../../../src/platforms/ec2/platform.ts';
import { runTags } from '../../../src/platforms/ec2/tags.ts';
import type { Platform } from '../../../src/platforms/platform.ts';
import { BLOCK_BYTES, commitPoint, openVolume, type Vault } from '../../../src/vault/index.ts';
import { activityEnvironment } from '../../support/activity.ts';
import { CLEAN, machineFacts, resolvedBackup } from '../../support/fake-activities.ts';
import { NEVER, testKeys, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { text, zeros } from '../../support/vault-volume.ts';
import {
  type CloudUnderTest,
  clientsFor,
  completed,
  must,
  ROOT_KEY,
  sha256,
  startCloudUnderTest,
} from '../local/cloud/cloud-under-test.ts';

const MACHINE = 'i-0123456789abcdef0';
const VOLUME = { ...must(machineFacts(MACHINE).volumes[0], 'volume'), volumeId: 'vol-0a' };
const DEPLOYMENT = '3f1c2a60-51f2-4f6e-9f0a-5b1c2d3e4f50';

let cloud: CloudUnderTest;
let platform: Platform;

beforeAll(async () => {
  cloud = await startCloudUnderTest({ snapshots: { spacingMs: 0 }, ebs: { emptyPages: true } });
  const ec2Once = new EC2Client({ endpoint: cloud.cloud.endpoint, region: 'local-1', credentials: { ...ROOT_KEY } });
  platform = createEc2Platform({
    clients: {
      ...clientsFor(cloud.cloud.endpoint, ROOT_KEY),
      ec2Once,
      ssmOnce: clientsFor(cloud.cloud.endpoint, ROOT_KEY).ssm,
    },
    clock: () => new Date(),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    log: () => {},
  });
}, 60_000);

afterAll(() => cloud?.end());

type Words = Readonly<Record<number, string>>;

function runOf(n: number): Run {
  return {
    runId: `2026112${n}T023107Z-9f2c000${n}`,
    deploymentId: DEPLOYMENT,
    workflowId: 'instance-backup/test',
    temporalRunId: 'temporal-run',
    sourceId: MACHINE,
    expiresAt: '2026-11-30T00:00:00.000Z',
  };
}

const blockOf = (word: string) => (word === '' ? zeros() : text(word));

/** A snapshot that holds its parent's blocks and these; '' is a block of zeros. */
async function snapshotOf(run: Run, words: Words, parent?: SnapshotFacts): Promise<SnapshotFacts> {
  const { ebs } = cloud;
  const Tags = runTags(run, parent ? 'clone-snapshot' : 'capture');
  const started = await ebs.send(
    new StartSnapshotCommand({ VolumeSize: 1, Tags, ...(parent && { ParentSnapshotId: parent.snapshotId }) }),
  );
  const SnapshotId = must(started.SnapshotId, 'SnapshotId');
  for (const [index, word] of Object.entries(words)) {
    const BlockData = blockOf(word);
    const Checksum = sha256(BlockData).toString('base64');
    const frame = { DataLength: BLOCK_BYTES, Checksum, ChecksumAlgorithm: 'SHA256' } as const;
    await ebs.send(new PutSnapshotBlockCommand({ SnapshotId, BlockIndex: Number(index), BlockData, ...frame }));
  }
  await ebs.send(new CompleteSnapshotCommand({ SnapshotId, ChangedBlocksCount: Object.keys(words).length }));
  await completed(cloud, SnapshotId);
  const { volumeId, bytes } = VOLUME;
  const state = { state: 'completed', percent: 100, encrypted: false } as const;
  return { snapshotId: SnapshotId, sourceVolumeId: volumeId, volumeId, bytes, ...state };
}

interface Pair {
  readonly capture: SnapshotFacts;
  readonly clone: SnapshotFacts;
}

/** A run from its session to its point, by the real activities. */
async function backUp(vault: Vault, run: Run, { capture, clone }: Pair): Promise<ArchivedWithChanges> {
  const backup = resolvedBackup(MACHINE, { verify: false });
  const machine = { ...machineFacts(MACHINE), volumes: [VOLUME] };
  const volumes = [{ volumeId: VOLUME.volumeId, volumeBytes: VOLUME.bytes }];
  const session = {
    runId: run.runId,
    startedAt: '2026-11-23T02:31:07.000Z',
    toolVersion: 'test',
    source: { platform: 'ec2', machineId: MACHINE },
    workflow: { workflowId: run.workflowId, temporalRunId: run.temporalRunId },
    volumes,
  };
  const { base, readAll } = await beginIncrement({ vault, run, backup, session, signal: NEVER });
  const volumeBase = base?.volumes[0];
  const order: VolumeOrder = {
    run,
    vault: 'main',
    volume: VOLUME,
    capture,
    snapshot: clone,
    shardSegments: 1,
    base: base && volumeBase ? { ...volumeBase, pointId: base.pointId, pointsByHints: base.pointsByHints } : null,
    readAll,
  };
  const activities = createArchiveActivities({ platform, vaults: { names: ['main'], open: async () => vault } });
  const changes = await perform(activities.recordChanges, order);
  const shard = await perform(activities.archiveShard, { ...order, shard: 0 });
  const volume = await perform(activities.finishVolume, { ...order, shards: [shard] });
  const done = { ...volume, changes };
  const own = {
    machineId: 'i-clone',
    imageId: 'ami-1',
    role: 'clone',
    attempt: 1,
    instanceType: 't',
    zone: 'z',
  } as const;
  const request = { run, backup, machine, clone: { ...own, volumes: {} }, snapshots: [clone], volumes: [done] };
  const proof = { capture: { startTime: session.startedAt, snapshots: [capture] }, consistency: CLEAN, evidence: [] };
  await commitPoint({ vault, draft: draftOf({ ...request, ...proof }, 'test'), signal: NEVER });
  return done;
}

function perform<P, R>(activity: (order: P) => Promise<R>, order: P): Promise<R> {
  return activityEnvironment().run<[P], R, (order: P) => Promise<R>>(activity, order);
}

async function expectWords(vault: Vault, run: Run, words: Words): Promise<void> {
  const volume = await openVolume({ vault, pointId: run.runId, volumeId: VOLUME.volumeId, signal: NEVER });
  const found: Record<number, string> = {};
  for await (const { index, bytes } of volume.blocks({ from: 0, to: 2048 }, NEVER)) {
    found[index] = Buffer.from(bytes.subarray(0, bytes.indexOf(10))).toString();
    expect(Buffer.compare(bytes, text(found[index] ?? '')), `block ${index}`).toBe(0);
  }
  expect(found).toEqual(Object.fromEntries(Object.entries(words).filter(([, word]) => word !== '')));
}

test('two clones are no relatives, so the union of three listings finds what differs between them', async () => {
  // Prepare: production writes, each clone writes on top of its capture
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  const still = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [100 + i, `still ${i}`]));
  const [first, second, third] = [runOf(1), runOf(2), runOf(3)];
  const firstCapture = await snapshotOf(first, { 0: 'a', 1: 'b', 2: 'c', 5: 'e', ...still });
  const firstClone = await snapshotOf(first, { 1: 'only in the first clone', 9: 'first log' }, firstCapture);
  const secondCapture = await snapshotOf(second, { 2: 'C', 6: 'f' }, firstCapture);
  const secondClone = await snapshotOf(second, { 0: 'a', 5: '', 9: 'second log' }, secondCapture);
  const source = await platform.openSource(second, secondClone.snapshotId, NEVER);
  expect(await source.changedSince(firstClone.snapshotId, { from: 0, to: 2048 }, NEVER)).toBe('unrelated');
  // Act
  const full = await backUp(vault, first, { capture: firstCapture, clone: firstClone });
  const increment = await backUp(vault, second, { capture: secondCapture, clone: secondClone });
  // Assess
  expect(full).toMatchObject({ bytesRead: 65 * BLOCK_BYTES, bytesReused: 0, readAll: 'there is no earlier point' });
  await expectWords(vault, first, { 0: 'a', 1: 'only in the first clone', 2: 'c', 5: 'e', 9: 'first log', ...still });
  await expectWords(vault, second, { 0: 'a', 1: 'b', 2: 'C', 6: 'f', 9: 'second log', ...still });
  // Blocks 0, 1, 2, 5, 6 and 9 are in one of the three listings; 32 of the 60 others are audited.
  expect(increment).toMatchObject({ bytesRead: 38 * BLOCK_BYTES, blocksAudited: 32, parentId: first.runId });
  expect(increment).not.toHaveProperty('readAll');
  expect(increment.bytesReused).toBeGreaterThan(10 * increment.bytesStored);
  // Act: the capture that the third increment needs is deleted
  const thirdCapture = await snapshotOf(third, { 3: 'd' }, secondCapture);
  const thirdClone = await snapshotOf(third, { 9: 'third log' }, thirdCapture);
  await cloud.ec2.send(new DeleteSnapshotCommand({ SnapshotId: secondCapture.snapshotId }));
  const again = await backUp(vault, third, { capture: thirdCapture, clone: thirdClone });
  // Assess
  expect(again.readAll).toMatch(/capture of point 20261122T023107Z-9f2c0002 is gone/);
  expect(again).toMatchObject({ parentId: second.runId, blocksAudited: 0 });
  expect(again.bytesReused).toBeGreaterThan(10 * again.bytesStored);
  await expectWords(vault, third, { 0: 'a', 1: 'b', 2: 'C', 3: 'd', 5: 'e', 6: 'f', 9: 'third log', ...still });
}, 240_000);
