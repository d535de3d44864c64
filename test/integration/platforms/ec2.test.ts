import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTagsCommand, DescribeInstancesCommand, DescribeSnapshotsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureIsolatedNetwork, ensureProductionNetwork, type IsolatedNetwork } from '../../../local/up/networks.ts';
import { ensureImage, ensureProduction } from '../../../local/up/production-machine.ts';
import type { Capture, MachineFacts, OwnMachine } from '../../../src/contract/machine.ts';
import type { IsolationProfile } from '../../../src/contract/resolved-backup.ts';
import type { Run } from '../../../src/contract/run.ts';
import { PlatformError } from '../../../src/errors.ts';
import { createEc2Platform } from '../../../src/platforms/ec2/platform.ts';
import type { Platform } from '../../../src/platforms/platform.ts';
import { assembleBootMedia } from '../../../src/recipes/boot/media.ts';
import { readBootReport } from '../../../src/recipes/boot/report.ts';
import { BLOCK_BYTES } from '../../../src/vault/block-source.ts';
import { WrittenBlocks } from '../../../src/vault/written-blocks.ts';
import { blockByteSource } from '../../support/block-byte-source.ts';
import { guestImage } from '../../support/guest-image.ts';
import { waitFor } from '../../support/wait-for.ts';
import {
  type CloudUnderTest,
  clientsFor,
  ROOT_KEY,
  sha256,
  startCloudUnderTest,
  uploadImage,
} from '../local/cloud/cloud-under-test.ts';

const NEVER = new AbortController().signal;
const RUN: Run = {
  runId: '20261123T023107Z-9f2c01ab',
  deploymentId: '3f1c2a60-51f2-4f6e-9f0a-5b1c2d3e4f50',
  workflowId: 'instance-backup/test',
  temporalRunId: 'temporal-run',
  sourceId: 'i-filled-in-below',
  expiresAt: '2026-11-30T00:00:00.000Z',
};

let cloud: CloudUnderTest;
let platform: Platform;
let isolated: IsolatedNetwork;
let run: Run;
let machine: MachineFacts;
let isolation: IsolationProfile;
/** The next reply of this action is lost after the service has acted. */
let loseReplyOf: string | undefined;

beforeAll(async () => {
  cloud = await startCloudUnderTest({
    snapshots: { spacingMs: 0 },
    ebs: { emptyPages: true },
  });
  const guest = await guestImage();
  const [rootSnapshotId, dataSnapshotId] = [await uploadImage(cloud, guest.root), await uploadImage(cloud, guest.data)];
  const production = await ensureProductionNetwork(cloud.ec2, 'local-1a');
  isolated = await ensureIsolatedNetwork(cloud.ec2, 'local-1a');
  const imageId = await waitFor(
    () => ensureImage(cloud.ec2, { name: 'guest', rootSnapshotId, dataSnapshotId }).catch(() => undefined),
    {
      limitMs: 30_000,
      what: 'the image of production',
    },
  );
  const { instanceId } = await ensureProduction(cloud.ec2, { imageId, instanceType: 't3.small', network: production });
  run = { ...RUN, sourceId: instanceId };
  isolation = {
    name: 'main',
    kind: 'sealed',
    ...isolated,
    acceptNotChecked: ['resolver-rules', 'lattice-associations'],
    fallbackInstanceTypes: [],
  };
  platform = platformOf(cloud);
  machine = await platform.describeMachine(instanceId, NEVER);
}, 170_000);

afterAll(() => cloud?.end());

function platformOf({ cloud: { endpoint } }: CloudUnderTest): Platform {
  const clients = clientsFor(endpoint, ROOT_KEY);
  const ec2Once = new EC2Client({ endpoint, region: 'local-1', credentials: { ...ROOT_KEY }, maxAttempts: 1 });
  ec2Once.middlewareStack.add(
    (next, context) => async (request) => {
      const answer = await next(request);
      if (context.commandName !== `${loseReplyOf}Command`) return answer;
      loseReplyOf = undefined;
      throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    },
    { step: 'initialize' },
  );
  return createEc2Platform({
    clients: { ...clients, ec2Once, ssmOnce: clients.ssm },
    clock: () => new Date(),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    log: () => {},
  });
}

describe('preflight', () => {
  const namesOf = (checks: readonly { name: string; verdict: string }[], ...verdicts: string[]) =>
    checks.filter(({ verdict }) => verdicts.includes(verdict)).map(({ name }) => name);

  const proofs = async (profile: IsolationProfile) => [
    ...(await platform.preflight({ machine, accept: [], isolation: profile, beside: ['the scratch volume'] }, NEVER)),
    ...(await platform.proveIsolation({ isolation: profile, sourceId: run.sourceId, role: 'clone' }, NEVER)),
    ...(await platform.proveIsolation({ isolation: profile, sourceId: run.sourceId, role: 'verify' }, NEVER)),
  ];

  test('describes the machine as a launch needs it', () => {
    expect(machine).toMatchObject({
      state: 'running',
      instanceType: 't3.small',
      boot: { architecture: 'x86_64', virtualization: 'hvm', rootDeviceName: '/dev/xvda' },
      volumes: [
        { deviceName: '/dev/xvda', root: true },
        { deviceName: '/dev/sdf', root: false },
      ],
      uncapturedDevices: [],
    });
  });

  test('a machine and a network that are right hold every line, and two lines are accepted by name', async () => {
    const checks = await proofs(isolation);
    expect(namesOf(checks, 'broken', 'not-checked'), JSON.stringify(checks, null, 1)).toEqual([]);
    expect(new Set(namesOf(checks, 'accepted'))).toEqual(new Set(['resolver-rules', 'lattice-associations']));
    expect(checks.length).toBeGreaterThanOrEqual(25);
  });

  test("production's own network is refused, line by line", async () => {
    const open = {
      ...isolation,
      vpcId: machine.networkId,
      subnetId: machine.subnetId,
      verifySubnetId: machine.subnetId,
      securityGroupId: (await productionGroup()) ?? '',
      acceptNotChecked: [],
    };
    const checks = await proofs(open);
    expect([...new Set(namesOf(checks, 'broken'))]).toEqual([
      'network-apart',
      'dns-off',
      'security-group',
      'foreign-interfaces',
      'internet-gateways',
      'subnet-routes',
      'subnet-acl',
      'verify-subnet-routes',
      'verify-subnet-acl',
    ]);
    expect([...new Set(namesOf(checks, 'not-checked'))]).toEqual(['resolver-rules', 'lattice-associations']);
    expect(checks.filter(({ verdict, remedy }) => verdict === 'broken' && !remedy)).toEqual([]);
  });

  async function productionGroup() {
    const { Reservations } = await cloud.ec2.send(new DescribeInstancesCommand({ InstanceIds: [run.sourceId] }));
    return Reservations?.[0]?.Instances?.[0]?.SecurityGroups?.[0]?.GroupId;
  }

  test('an id that does not exist is named', async () => {
    const failure = platform.describeMachine('i-0000000000000dead', NEVER);
    await expect(failure).rejects.toMatchObject({ code: 'InstanceNotFound' });
  });
});

describe('one run from capture to clean-up', () => {
  let capture: Capture;
  let clone: OwnMachine;

  test('a capture whose reply was lost is found again, and production was captured once', async () => {
    const volumeIds = machine.volumes.map(({ volumeId }) => volumeId);
    expect(await platform.findCapture(run, volumeIds, NEVER)).toBeUndefined();
    loseReplyOf = 'CreateSnapshots';
    await expect(platform.createCapture({ run, volumeIds }, NEVER)).rejects.toMatchObject({
      code: 'PlatformUnreachable',
    });
    capture = await waitFor(() => platform.findCapture(run, volumeIds, NEVER), {
      limitMs: 20_000,
      what: 'the capture',
    });
    expect(capture.snapshots.map(({ sourceVolumeId }) => sourceVolumeId).sort()).toEqual([...volumeIds].sort());
    expect(capture.startTime).toMatch(/^\d{4}-.*Z$/);
    await completedAll(capture.snapshots);
    const ofProduction = await cloud.ec2.send(
      new DescribeSnapshotsCommand({ Filters: [{ Name: 'volume-id', Values: volumeIds }] }),
    );
    expect(ofProduction.Snapshots).toHaveLength(volumeIds.length);
  });

  test('a clone boots isolated from it, answers by its scratch disk and powers itself off', async () => {
    const media = await assembleBootMedia({
      runId: run.runId,
      role: 'clone',
      recipes: [{ name: 'postgresql', params: {} }],
      recoverMs: 90_000,
      stopMs: 60_000,
    });
    const scratchSnapshotId = await writeSnapshot('clone-scratch', new Map([[0, padded(media.scratch)]]), 'scratch');
    const request = {
      run,
      role: 'clone',
      attempt: 1,
      like: machine,
      snapshots: capture.snapshots,
      scratchSnapshotId,
      isolation,
      userData: media.userData,
    } as const;
    loseReplyOf = 'RunInstances';
    await expect(platform.launch(request, NEVER)).rejects.toMatchObject({ code: 'PlatformUnreachable' });
    // Its address may be seen taken before the machine itself is seen; a workflow asks again a second later, too.
    clone = await waitFor(() => platform.launch(request, NEVER).catch(mustBeNotReady), {
      limitMs: 60_000,
      what: 'the machine of the lost reply',
    });
    expect(Object.keys(clone.volumes).sort()).toEqual(
      [...machine.volumes.map(({ volumeId }) => volumeId), 'scratch'].sort(),
    );
    expect(clone.privateAddress).toBe(machine.privateAddress);
    const proof = await platform.proveIsolation(
      { isolation, sourceId: run.sourceId, machineId: clone.machineId, role: 'clone' },
      NEVER,
    );
    expect(proof.filter(({ verdict }) => verdict === 'broken' || verdict === 'not-checked')).toEqual([]);
    expect(proof.map(({ name }) => name)).toContain('machine-group');
    const ended = await waitFor(
      async () => {
        const { observation: seen } = await platform.readConsole(run, clone.machineId, NEVER);
        return seen.state === 'stopped' ? seen : undefined;
      },
      { limitMs: 120_000, what: 'the clone to stop', otherwise: consoleText },
    );
    expect(ended.reasonCode).toBe('Client.InstanceInitiatedShutdown');
    expect(await consoleText()).toContain(`UNDERSTUDY ${run.runId} `);
  }, 170_000);

  test('its disks are snapshotted at one instant, twice asked, once done, and the report is read from the scratch disk', async () => {
    const request = { run, machine: clone, scratchOnly: false, retain: false };
    const made = await platform.snapshotStopped(request, NEVER);
    await completedAll([...made.disks, made.scratch]);
    const again = await waitFor(
      async () => {
        const found = await platform.snapshotStopped(request, NEVER);
        return found.scratch.snapshotId === made.scratch.snapshotId ? found : undefined;
      },
      { limitMs: 10_000, what: 'the same snapshots' },
    );
    expect(again.disks.map(({ snapshotId }) => snapshotId)).toEqual(made.disks.map(({ snapshotId }) => snapshotId));
    expect(made.disks.map(({ sourceVolumeId }) => sourceVolumeId).sort()).toEqual(
      machine.volumes.map(({ volumeId }) => volumeId).sort(),
    );
    const source = await platform.openSource(run, made.scratch.snapshotId, NEVER);
    const report = await readBootReport(await blockByteSource(source, NEVER), run.runId, NEVER);
    expect(report.finished).toBe(true);
    expect(report.answers.filter(({ ok }) => ok).map(({ step }) => step)).toEqual(['detect', 'recovered']);
  });

  test('what changed since the capture is known by lineage, and a stranger is unrelated', async () => {
    const { disks } = await platform.snapshotStopped({ run, machine: clone, scratchOnly: false, retain: false }, NEVER);
    const [disk] = disks;
    const parent = capture.snapshots.find(({ sourceVolumeId }) => sourceVolumeId === disk?.sourceVolumeId);
    if (!disk || !parent) throw new Error('both snapshots exist');
    const source = await platform.openSource(run, disk.snapshotId, NEVER);
    const range = { from: 0, to: disk.bytes / BLOCK_BYTES };
    const changed = await source.changedSince(parent.snapshotId, range, NEVER);
    if (changed === 'unrelated') throw new Error('a clone descends from its capture');
    const indexes = [];
    for await (const { index } of changed) indexes.push(index);
    expect(indexes.length).toBeGreaterThan(0);
    expect(indexes).toEqual([...indexes].sort((a, b) => a - b));
    const other = capture.snapshots.find(({ snapshotId }) => snapshotId !== parent.snapshotId);
    expect(await source.changedSince(other?.snapshotId ?? '', range, NEVER)).toBe('unrelated');
  });

  test('blocks written through a sink come back through a source, and a retried sink adopts what is complete', async () => {
    const blocks = new Map([0, 3, 1_500].map((index) => [index, new Uint8Array(BLOCK_BYTES).fill(index % 251)]));
    const ref = await writeSnapshot('round-trip', blocks, 'verify');
    expect(await writeSnapshot('round-trip', blocks, 'verify')).toBe(ref);
    const source = await platform.openSource(run, ref, NEVER);
    const listed = [];
    for await (const block of source.blocks({ from: 1, to: 2_048 }, NEVER)) {
      listed.push(block.index);
      expect(await source.read(block, NEVER)).toEqual(blocks.get(block.index));
    }
    expect(listed).toEqual([3, 1_500]);
  });

  test('a block whose listing was replaced asks to be listed again', async () => {
    const { disks } = await platform.snapshotStopped({ run, machine: clone, scratchOnly: false, retain: false }, NEVER);
    const source = await platform.openSource(run, disks[0]?.snapshotId ?? '', NEVER);
    const first = await firstOf(source.blocks({ from: 0, to: 100 }, NEVER));
    await firstOf(source.blocks({ from: 0, to: 100 }, NEVER));
    await expect(source.read(first, NEVER)).rejects.toMatchObject({ code: 'StaleListing' });
  });

  test('nobody else’s machine can be stopped, observed or ended, production first of all', async () => {
    for (const act of [platform.stop, platform.terminate, platform.readConsole, platform.screenshot]) {
      await expect(act(run, run.sourceId, NEVER)).rejects.toMatchObject({ code: 'ResourceNotOurs' });
    }
    // Even tags like ours do not make production ours.
    const Tags = [
      { Key: 'understudy:deployment', Value: run.deploymentId },
      { Key: 'understudy:run', Value: run.runId },
      { Key: 'understudy:role', Value: 'clone' },
    ];
    await cloud.ec2.send(new CreateTagsCommand({ Resources: [run.sourceId], Tags }));
    await expect(platform.terminate(run, run.sourceId, NEVER)).rejects.toBeInstanceOf(PlatformError);
  });

  test('clean-up leaves the capture when asked, then nothing, and never touches what is not of the run', async () => {
    const before = await snapshotIds();
    const runs = await platform.findRuns(run.deploymentId, NEVER);
    expect(runs).toHaveLength(1);
    expect(runs[0]?.run).toEqual(run);
    expect(runs[0]?.resources.map(({ role }) => role)).toEqual(
      expect.arrayContaining(['capture', 'clone', 'clone-snapshot', 'image', 'scratch', 'verify']),
    );
    expect(
      await platform.removeRunResources({ run, done: true, keepCapture: true, replacedCaptures: 'keep' }, NEVER),
    ).toEqual([]);
    const kept = await platform.findRuns(run.deploymentId, NEVER);
    expect(kept.flatMap(({ resources }) => resources.map(({ id }) => id)).sort()).toEqual(
      capture.snapshots.map(({ snapshotId }) => snapshotId).sort(),
    );
    expect(
      await platform.removeRunResources({ run, done: false, keepCapture: false, replacedCaptures: 'keep' }, NEVER),
    ).toEqual([]);
    expect(await platform.findRuns(run.deploymentId, NEVER)).toEqual([]);
    const after = await snapshotIds();
    expect(after.length).toBeGreaterThan(0);
    expect(before).toEqual(expect.arrayContaining(after));
    expect((await platform.describeMachine(run.sourceId, NEVER)).state).toBe('running');
  }, 120_000);

  async function snapshotIds() {
    const { Snapshots = [] } = await cloud.ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'] }));
    return Snapshots.map(({ SnapshotId }) => SnapshotId);
  }

  async function consoleText() {
    return new TextDecoder().decode((await platform.readConsole(run, clone.machineId, NEVER)).bytes);
  }
});

async function firstOf<T>(items: AsyncIterable<T>): Promise<T> {
  for await (const item of items) return item;
  throw new Error('the listing is empty');
}

function padded(bytes: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(bytes);
  return block;
}

async function writeSnapshot(
  name: string,
  blocks: ReadonlyMap<number, Uint8Array>,
  role: 'scratch' | 'verify',
): Promise<string> {
  const sink = await platform.openSink({ run, role, name, volumeBytes: 2 ** 30, encryption: 'none' }, NEVER);
  const written = new WrittenBlocks();
  for (const [index, bytes] of blocks) {
    const digest = new Uint8Array(sha256(bytes));
    written.add(index, digest);
    await sink.write(index, bytes, digest, NEVER);
  }
  return (await sink.complete(written, NEVER)).ref;
}

async function completedAll(snapshots: Parameters<Platform['readSnapshots']>[0]): Promise<void> {
  await waitFor(
    async () =>
      (await platform.readSnapshots(snapshots, NEVER)).every(({ state }) => state === 'completed') ? true : undefined,
    { limitMs: 60_000, what: 'snapshots to complete' },
  );
}

function mustBeNotReady(error: unknown): undefined {
  if (!(error instanceof PlatformError && error.code === 'NotReadyYet')) throw error;
}
