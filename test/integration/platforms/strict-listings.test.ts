import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { StartSnapshotCommand } from '@aws-sdk/client-ebs';
import { afterEach, expect, test } from 'vitest';
import type { SettingsInput } from '../../../local/cloud/settings.ts';
import { createEc2Clients } from '../../../src/platforms/ec2/clients.ts';
import { openEbsSource } from '../../../src/platforms/ec2/ebs-source.ts';
import type { BlockRef } from '../../../src/vault/block-source.ts';
import {
  BLOCK_BYTES,
  type CloudUnderTest,
  completed,
  completeUpload,
  must,
  putBlock,
  startCloudUnderTest,
} from '../local/cloud/cloud-under-test.ts';

const NEVER = new AbortController().signal;
const RUN = {
  runId: '20261123T023107Z-9f2c01ab',
  deploymentId: 'deployment',
  workflowId: 'w',
  temporalRunId: 't',
  sourceId: 'i-1',
  expiresAt: '2026-11-30T00:00:00.000Z',
};
const WHOLE = { from: 0, to: 2 ** 30 / BLOCK_BYTES };

let cloud: CloudUnderTest | undefined;
afterEach(() => cloud?.end());

interface Opened {
  readonly source: Awaited<ReturnType<typeof openEbsSource>>;
  readonly parent: string;
  /** Of the snapshot: its own and those of its parent. */
  readonly blocks: ReadonlyMap<number, Buffer>;
  /** Of the snapshot alone. */
  readonly changed: readonly number[];
  readonly waits: number[];
}

/** A snapshot of 150 blocks, of which 120 differ from its parent: more than the smallest page of 100 either way. */
async function open(settings: Partial<SettingsInput>): Promise<Opened> {
  const started = await startCloudUnderTest({ snapshots: { spacingMs: 0 }, ...settings });
  cloud = started;
  const blocks = new Map(Array.from({ length: 150 }, (_, index) => [index * 2, randomBytes(BLOCK_BYTES)] as const));
  const changed = [...blocks.keys()].filter((index) => index >= 60);
  const parent = await upload(started, new Map([...blocks].filter(([index]) => index < 60)));
  const snapshotId = await upload(started, new Map([...blocks].filter(([index]) => index >= 60)), parent);
  const waits: number[] = [];
  const context = {
    clients: { ...createEc2Clients('local-1'), ec2: started.ec2, ebs: started.ebs },
    clock: () => new Date(),
    sleep: async (ms: number) => {
      waits.push(ms);
      await wait(ms);
    },
    log: () => {},
    random: Math.random,
  };
  return { source: await openEbsSource(context, RUN, snapshotId, NEVER), parent, blocks, changed, waits };
}

async function upload(
  { ebs, ec2 }: CloudUnderTest,
  blocks: ReadonlyMap<number, Buffer>,
  ParentSnapshotId?: string,
): Promise<string> {
  const tags = {
    'understudy:deployment': RUN.deploymentId,
    'understudy:run': RUN.runId,
    'understudy:role': 'clone-snapshot',
  };
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const { SnapshotId } = await ebs.send(new StartSnapshotCommand({ VolumeSize: 1, ParentSnapshotId, Tags }));
  const id = must(SnapshotId, 'SnapshotId');
  const digests = new Map<number, Buffer>();
  for (const [block, bytes] of blocks) digests.set(block, await putBlock({ ebs }, id, block, bytes));
  await completeUpload({ ebs }, id, digests);
  await completed({ ec2 }, id);
  return id;
}

async function listed(refs: AsyncIterable<BlockRef>): Promise<BlockRef[]> {
  const found: BlockRef[] = [];
  for await (const ref of refs) found.push(ref);
  return found;
}

async function changes({ source, parent }: Opened): Promise<AsyncIterable<BlockRef>> {
  const refs = await source.changedSince(parent, WHOLE, NEVER);
  if (refs === 'unrelated') throw new Error('they are related');
  return refs;
}

const indexesOf = (refs: readonly BlockRef[]) => refs.map(({ index }) => index);

test('a throttled account gives every listing and every block, later', async () => {
  // Two pages of each listing, and the reads of three readers, come faster than these however slow the machine is. More readers
  // than that can use up one's attempts where a starved host lets them come in bursts.
  const slow = { capacity: 1, perSecond: 1 };
  const opened = await open({
    ebs: { emptyPages: true },
    throttle: {
      'ebs:ListSnapshotBlocks': slow,
      'ebs:ListChangedBlocks': slow,
      'ebs:GetSnapshotBlock': { capacity: 1, perSecond: 5 },
    },
  });
  const { source, blocks, changed, waits } = opened;
  expect(indexesOf(await listed(await changes(opened)))).toEqual(changed);
  expect(waits.splice(0).length).toBeGreaterThan(0);
  const refs = await listed(source.blocks(WHOLE, NEVER));
  expect(indexesOf(refs)).toEqual([...blocks.keys()]);
  expect(waits.splice(0).length).toBeGreaterThan(0);
  const left = refs.slice(0, 12);
  const reader = async () => {
    for (let ref = left.pop(); ref; ref = left.pop()) {
      const bytes = await source.read(ref, NEVER);
      expect(Buffer.compare(bytes, blocks.get(ref.index) ?? Buffer.alloc(0)), `block ${ref.index}`).toBe(0);
    }
  };
  await Promise.all(Array.from({ length: 3 }, reader));
  expect(waits.length).toBeGreaterThan(0);
});

test('empty pages with a next token end no listing', async () => {
  const opened = await open({ ebs: { emptyPages: true } });
  expect(indexesOf(await listed(opened.source.blocks(WHOLE, NEVER)))).toEqual([...opened.blocks.keys()]);
  expect(indexesOf(await listed(await changes(opened)))).toEqual(opened.changed);
});

test('block tokens that ran out ask for the range to be listed again, and are not tried twice', async () => {
  const { source, waits } = await open({ ebs: { blockTokenMs: 0 } });
  const [ref] = await listed(source.blocks(WHOLE, NEVER));
  const read = source.read(must(ref, 'a block'), NEVER);
  await expect(read).rejects.toMatchObject({ code: 'StaleListing', status: 'transient' });
  expect(waits).toEqual([]);
});

test('page tokens that ran out do so too, of blocks and of changed blocks', async () => {
  // An empty page is followed by a second one, whose token is over by then.
  const opened = await open({ ebs: { emptyPages: true, pageTokenMs: 0 } });
  const stale = { code: 'StaleListing', status: 'transient' };
  await expect(listed(opened.source.blocks(WHOLE, NEVER))).rejects.toMatchObject(stale);
  await expect(changes(opened).then(listed)).rejects.toMatchObject(stale);
  expect(opened.waits).toEqual([]);
});
