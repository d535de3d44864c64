import { hash } from 'node:crypto';
import { DeleteSnapshotCommand, DescribeSnapshotsCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLabVault } from '../../local/up/lab-vault.ts';
import { must } from '../../local/up/named.ts';
import { waitUntil } from '../../local/up/wait-until.ts';
import type { BackupResult, Run } from '../../src/client/index.ts';
import { free } from '../../src/vault/bytes.ts';
import {
  BLOCK_BYTES,
  type Manifest,
  openVolume,
  readPoint,
  SEGMENT_BLOCKS,
  type Vault,
} from '../../src/vault/index.ts';
import { packsPrefix } from '../../src/vault/object-keys.ts';
import { readMap } from '../../src/vault/read-map.ts';
import { type BlockCounts, readBlockCounts } from '../support/block-counts.ts';
import { readBlockDigests } from '../support/block-digests.ts';
import { readPeakMebibytes } from '../support/peak-memory.ts';
import { killAndRestartCloud } from '../support/restart-cloud.ts';
import { openTestLab, type TestLab } from '../support/test-lab.ts';
import { launchVariant, type VariantMachine } from '../support/variant-machine.ts';
import { writeSwapSnapshot } from '../support/written-snapshot.ts';

const VOLUME_GIB = 12;
const WRITTEN_BLOCKS = (VOLUME_GIB * 2 ** 30) / BLOCK_BYTES;
/** About a third of a shard: several packs are stored by then, and what a kill loses shows in the counts. */
const INTO_SHARD = 2_500;
/** Reads between a look at the counts and the kill that follows it, and those that a retry repeats. */
const LOOSE_READS = 1_000;
const STEP_LIMIT_MS = 600_000;
/** All of it took 200 to 300 s on two cores. */
const TEST_LIMIT_MS = 1_200_000;

let lab: TestLab;
let seedId: string;
let machine: VariantMachine;
let vault: Vault;
let result: BackupResult;
let manifest: Manifest;
/** The clone's snapshot of the written volume. */
let snapshotId: string;
/** As counted when the mover was killed, when the cloud was killed, and after all. */
const counts: { mover?: BlockCounts; cloud?: BlockCounts; end?: BlockCounts } = {};

beforeAll(async () => {
  lab = await openTestLab({ limits: { shardSegments: 1 } });
  seedId = await writeSwapSnapshot(lab, { gibibytes: VOLUME_GIB });
  machine = await launchVariant(lab, { extraSnapshotId: seedId });
  const { instanceId } = machine;
  const run = await lab.start({ instanceId, verify: false, retain: { snapshots: true } });
  const failed = run.result().then(
    () => undefined,
    (error: unknown) => error,
  );
  await Promise.race([killThrough(run), failed.then(mustNotFail)]);
  result = await run.result();
  counts.end = await readBlockCounts(lab.lab.status.control, snapshotId);
  console.log(`largest resident size of the mover: ${await readPeakMebibytes(lab.workerPid('mover'))} MiB`);
  vault = await openLabVault(lab.lab.status, signal());
  manifest = await readPoint({ vault, pointId: result.pointId, signal: signal() });
}, TEST_LIMIT_MS);

afterAll(async () => {
  await vault?.close();
  await machine?.[Symbol.asyncDispose]();
  if (seedId) await lab.aws.ec2.send(new DeleteSnapshotCommand({ SnapshotId: seedId }));
  await lab?.[Symbol.asyncDispose]();
});

test('a run whose mover, control worker and cloud are killed in the archive ends with its recovery point', () => {
  expect(result.volumes.map(({ volumeBytes }) => volumeBytes)).toContain(VOLUME_GIB * 2 ** 30);
  expect(result.consistency.disks).toBe('clean-shutdown');
  expect(result.leftovers).toEqual([]);
});

test('finished shards are not read again, unfinished ones are', () => {
  const { mover, cloud, end } = allCounts();
  console.log(
    `reads of ${WRITTEN_BLOCKS} blocks: ${mover.reads} at the mover's end, ${cloud.reads} at the cloud's, ${end.reads} in all`,
  );
  expect(end.blocksRead).toBe(WRITTEN_BLOCKS);
  // Two shards were finished when the cloud was killed, one of them after the mover was.
  expect(end.reads - cloud.reads).toBeLessThanOrEqual(SEGMENT_BLOCKS + LOOSE_READS);
  expect(end.reads).toBeGreaterThanOrEqual(WRITTEN_BLOCKS + INTO_SHARD);
});

test('kills leave packs of at most one shard that no recovery point names', async () => {
  const named = new Set<string>();
  let shardPacks = 0;
  for (const { volumeId, map } of manifest.volumes) {
    const { packs, segments } = await readMap(vault, { volumeId, map }, signal());
    for (const { packId } of packs) named.add(packId);
    shardPacks = Math.max(shardPacks, Math.ceil(packs.length / segments.length));
  }
  const orphans: string[] = [];
  for await (const { key } of vault.store.list(packsPrefix(result.runId), signal())) {
    if (!named.has(/([0-9a-f]{64})\.pack$/.exec(key)?.[1] ?? key)) orphans.push(key);
  }
  console.log(`${orphans.length} orphan packs beside ${named.size}; a shard has up to ${shardPacks}`);
  expect(orphans.length).toBeLessThanOrEqual(shardPacks);
});

test('every volume of the point is, byte for byte, the disk of the stopped clone', async () => {
  for (const { volumeId } of manifest.volumes) {
    const clone = must(
      manifest.capture.cloneSnapshots.find((snapshot) => snapshot.volumeId === volumeId),
      `the clone's snapshot of ${volumeId}`,
    );
    expect(await findDifferences(volumeId, clone.snapshotId)).toEqual([]);
  }
});

/** Mover in the second shard, control in its second attempt, the cloud in the third. */
async function killThrough(run: Run<BackupResult>): Promise<void> {
  snapshotId = await findCloneSnapshot(run);
  counts.mover = await untilRead(SEGMENT_BLOCKS + INTO_SHARD);
  await lab.killWorker('mover');
  await lab.restartWorker('mover');
  await untilRead(counts.mover.reads + INTO_SHARD);
  await lab.killWorker('control');
  await lab.restartWorker('control');
  counts.cloud = await untilRead(counts.mover.reads + SEGMENT_BLOCKS + INTO_SHARD);
  await killAndRestartCloud(lab.lab.status.stateDir);
}

async function findCloneSnapshot(run: Run<BackupResult>): Promise<string> {
  return waitUntil(
    async () => {
      const { runId = 'none yet' } = await run.progress();
      const { Snapshots = [] } = await lab.aws.ec2.send(
        new DescribeSnapshotsCommand({
          Filters: [
            { Name: 'tag:understudy:run', Values: [runId] },
            { Name: 'tag:understudy:role', Values: ['clone-snapshot'] },
            { Name: 'volume-size', Values: [String(VOLUME_GIB)] },
          ],
        }),
      );
      return Snapshots[0]?.SnapshotId;
    },
    { what: "the clone's volume of 12 GiB has a snapshot", limitMs: STEP_LIMIT_MS },
  );
}

function untilRead(reads: number): Promise<BlockCounts> {
  return waitUntil(
    async () => {
      const now = await readBlockCounts(lab.lab.status.control, snapshotId);
      return now.reads >= reads ? now : undefined;
    },
    { what: `${reads} blocks of ${snapshotId} were read`, limitMs: STEP_LIMIT_MS },
  );
}

function mustNotFail(error: unknown): void {
  if (error !== undefined) throw error;
}

function allCounts() {
  return {
    mover: must(counts.mover, 'a look before the mover was killed'),
    cloud: must(counts.cloud, 'a look before the cloud was killed'),
    end: must(counts.end, 'a look at the end'),
  };
}

/** Indexes of blocks that differ; a block that the vault does not hold must be zeros. */
async function findDifferences(volumeId: string, cloneSnapshotId: string): Promise<readonly number[]> {
  const volume = await openVolume({ vault, pointId: result.pointId, volumeId, signal: signal() });
  const blocks = volume.volumeBytes / BLOCK_BYTES;
  const digests = readBlockDigests(lab.lab.status.control, { snapshotId: cloneSnapshotId, blocks });
  const restored = Array<string>(blocks).fill(hash('sha256', new Uint8Array(BLOCK_BYTES)));
  for await (const { index, bytes } of volume.blocks({ from: 0, to: blocks }, signal())) {
    restored[index] = hash('sha256', bytes);
    free(bytes); // left to the collector, its threads took a third of this process's time
  }
  const onDisk = await digests;
  expect(onDisk).toHaveLength(blocks);
  return restored.flatMap((digest, index) => (digest === onDisk[index] ? [] : index));
}

function signal(): AbortSignal {
  return AbortSignal.timeout(STEP_LIMIT_MS);
}
