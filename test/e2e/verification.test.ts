import { createHash } from 'node:crypto';
import { lstat, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DescribeImagesCommand, DescribeVolumesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLabVault } from '../../local/up/lab-vault.ts';
import { must } from '../../local/up/named.ts';
import { findTaggedResources } from '../../local/up/tagged-resources.ts';
import type { BackupRequest, BackupResult, Run, RunFailed, VerificationResult } from '../../src/client/index.ts';
import type { SweepResult } from '../../src/contract/results.ts';
import { CONTROL_QUEUE } from '../../src/contract/task-queues.ts';
import { extract } from '../../src/disk/extract/extract.ts';
import { chooseVolumes } from '../../src/search/choose-volumes.ts';
import { openPointTree } from '../../src/search/point-tree.ts';
import {
  type FileRecord,
  findFileIndex,
  type Manifest,
  readExtract,
  readIndexedFiles,
  readMeasurements,
  readPoint,
} from '../../src/vault/index.ts';
import { readBlockCounts } from '../support/block-counts.ts';
import { DAMAGES, damagedAgents } from '../support/damaged-agents.ts';
import { putDenials } from '../support/denials.ts';
import { keepWriting, type LastSecond } from '../support/last-second.ts';
import { readSealedPoint } from '../support/sealed-point.ts';
import { openTestLab, type TestLab } from '../support/test-lab.ts';
import { launchVariant } from '../support/variant-machine.ts';
import { firstFile, flipBit, removeObject, truncateObject, vaultFolder } from '../support/vault-files.ts';
import { waitFor } from '../support/wait-for.ts';

const LAST_MS = 1_000;
/** Of what an agent prints, docs/architecture.md 5a. */
const LOG_TAIL_BYTES = 65_536;

// Two silent machines are waited for below, and a database that never recovers. Four machines that boot at once on two
// cores take 25 s to their first line.
const LIMITS = { firstSignMs: 60_000, recoverMs: 45_000 };

const RECIPES = ['postgresql', 'redis'];
const BROKEN = [
  { guest: 'broken-database.sh', what: 'a database that does not start', names: /pg-cut answers: did not recover/ },
  { guest: 'broken-boot.sh', what: 'a zeroed boot area', names: /no sign of life/ },
];

let lab: TestLab;
let scripts: string;
let point: BackupResult;
let manifest: Manifest;
let lastSecond: LastSecond;
/** By guest: how the backup of a machine that its own shutdown breaks ended, and its verification. */
const broken = new Map<string, Promise<{ readonly made: BackupResult; readonly failure: RunFailed }>>();

beforeAll(async () => {
  scripts = await mkdtemp(join(tmpdir(), 'damaged-agents-'));
  const damaged = await damagedAgents(scripts);
  lab = await openTestLab({ limits: LIMITS, recipes: damaged });
  // Both mostly wait for a limit to pass, so they are under way beside everything else; not at once, for their boots.
  begin('broken-boot.sh', { recipes: RECIPES });
  lastSecond = await keepWriting(
    must(
      lab.lab.status.production.applications.find(({ name }) => name === 'redis'),
      'redis',
    ),
  );
  const run = await lab.start({ verify: false, recipes: RECIPES, retain: { snapshots: true } });
  await waitFor(async () => (await hasCaptured(run)) || undefined, { limitMs: 120_000, what: 'the capture' });
  await lastSecond.stop();
  point = await run.result();
  // Its agents' output is damaged too: one machine shows all of it red.
  begin('broken-database.sh', { method: 'application-agent', recipes: Object.keys(damaged) });
  const signal = AbortSignal.timeout(60_000);
  const vault = await openLabVault(lab.lab.status, signal);
  manifest = await readPoint({ vault, pointId: point.pointId, signal });
  await vault.close();
});

afterAll(async () => {
  await Promise.allSettled(broken.values());
  await lab?.[Symbol.asyncDispose]();
  if (scripts) await rm(scripts, { recursive: true });
});

async function hasCaptured(run: Run<BackupResult>): Promise<boolean> {
  return (await run.progress()).phases.some(({ phase, state }) => phase === 'capture' && state === 'done');
}

test('a file written in the last second before the capture is found by the index, and restored as it was', async () => {
  // Prepare
  const capturedAt = Date.parse(point.pointInTime) + lastSecond.clockAheadMs;
  const last = must(
    lastSecond.written.findLast(({ durableAt }) => durableAt <= capturedAt),
    'a file that was durable before the capture',
  );
  const signal = AbortSignal.timeout(60_000);
  const vault = await openLabVault(lab.lab.status, signal);
  const index = must(await findFileIndex({ vault, pointId: point.pointId, signal }), 'an index');
  const bases: FileRecord[] = [];
  for await (const record of readIndexedFiles({ vault, index, signal }))
    if (/\/appendonly\.aof\.\d+\.base\.rdb$/.test(record.path)) bases.push(record);
  const base = must(bases.at(-1), 'a base file of Redis');
  // Assess
  const modifiedAt = Date.parse(base.modifiedAt.replace(/(\.\d{3})\d*Z$/, '$1Z'));
  console.log(
    `durable ${Math.round(capturedAt - last.durableAt)} ms before the capture, written in it ${modifiedAt - last.startedAt} ms after its start`,
  );
  expect(modifiedAt).toBeGreaterThanOrEqual(Math.floor(last.startedAt));
  expect(modifiedAt).toBeLessThanOrEqual(capturedAt);
  // On a starved host one file alone can take more than a second; then it is the last that could be durable at all.
  const next = must(lastSecond.written[lastSecond.written.indexOf(last) + 1], 'the file that was not durable in time');
  expect(capturedAt - last.durableAt).toBeLessThan(Math.max(LAST_MS, next.durableAt - next.startedAt));
  // Act
  const to = await mkdtemp(join(tmpdir(), 'last-second-'));
  const files = await openPointTree({ vault, volumes: chooseVolumes(manifest), signal });
  const from = must(await files.machine.find(base.path, signal), base.path);
  const { problems } = await extract({ machine: files.machine, from, folder: to, asRoot: true, signal });
  const restored = await lstat(join(to, basename(base.path)));
  await rm(to, { recursive: true });
  await vault.close();
  // Assess
  expect(problems).toEqual([]);
  const { uid, gid, bytes, mode } = base;
  expect(uid).toBeGreaterThan(0);
  expect([restored.uid, restored.gid, restored.size, restored.mode & 0o7777]).toEqual([uid, gid, bytes, mode]);
  expect(Math.abs(restored.mtimeMs - modifiedAt)).toBeLessThan(1);
});

test('what the request retains can be launched when the run has ended', async () => {
  const { imageId = 'none', snapshotIds = [] } = point.retained ?? {};
  const { Images = [] } = await lab.aws.ec2.send(new DescribeImagesCommand({ ImageIds: [imageId] }));
  const mapped = Images[0]?.BlockDeviceMappings?.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);
  expect(mapped?.sort()).toEqual([...snapshotIds].sort());
  expect(snapshotIds).toHaveLength(2);
});

test('a point verifies when nobody may read or launch the snapshots it was made of', async () => {
  // Prepare
  const sources = [...manifest.capture.snapshots, ...manifest.capture.cloneSnapshots].map(
    ({ snapshotId }) => snapshotId,
  );
  expect(sources).toHaveLength(4);
  const undo = await putDenials(lab, [
    { actions: ['ebs:*', 'ec2:RegisterImage', 'ec2:RunInstances', 'ec2:CreateVolume'], resources: sources },
  ]);
  // Act
  const run = await lab.client.verify({ pointId: point.pointId, recipes: RECIPES });
  const volumes = watchVolumes(lab, run);
  const result = await run.result().finally(undo);
  // Assess
  expect(result).toMatchObject({ verdict: 'green', failures: [], leftovers: [] });
  const seen = await volumes;
  expect(seen.size).toBeGreaterThanOrEqual(2);
  for (const [snapshotId, encrypted] of seen) {
    const { blocksWritten } = await readBlockCounts(lab.lab.status.control, snapshotId);
    expect({ snapshotId, encrypted, written: blocksWritten > 0 }).toEqual({
      snapshotId,
      encrypted: true,
      written: true,
    });
  }
});

test('a point becomes a machine that stays for people, proven isolated, on encrypted volumes of its own', async () => {
  const result = await (await lab.client.restore({ pointId: point.pointId })).result();
  const { machineId = 'none', volumes = {} } = result.machine ?? {};
  try {
    const left = await findTaggedResources(lab.aws, { key: 'understudy:run', values: [result.runId] });
    // A machine's interface is tagged as it is, and goes with it.
    const kept = left.filter(({ id }) => !id.startsWith('eni-'));
    expect(kept.map(({ id, role }) => `${role} ${id}`).sort()).toEqual(
      [machineId, ...Object.values(volumes)].map((id) => `restored ${id}`).sort(),
    );
    const { Volumes = [] } = await lab.aws.ec2.send(new DescribeVolumesCommand({ VolumeIds: Object.values(volumes) }));
    expect(Volumes.map(({ Encrypted }) => Encrypted)).toEqual([true, true]);
    expect(Object.keys(volumes).sort()).toEqual(manifest.volumes.map(({ volumeId }) => volumeId).sort());
    expect(result.isolation.filter(({ verdict }) => verdict === 'broken')).toEqual([]);
    expect(result.isolation.map(({ name }) => name)).toContain('machine-interface');
    const sweep = { taskQueue: CONTROL_QUEUE, workflowId: `sweep/${result.runId}`, args: [] };
    const { runs }: SweepResult = await lab.temporal.workflow.execute('sweepLeftovers', sweep);
    expect(runs.find(({ runId }) => runId === result.runId)).toMatchObject({ decision: 'kept' });
  } finally {
    await lab.aws.ec2.send(new TerminateInstancesCommand({ InstanceIds: [machineId] }));
  }
});

test('one table comes out of disks alone, whole, and its bytes pass through the vault', async () => {
  const request = { pointId: point.pointId, database: 'bank', table: 'accounts' };
  const { runId, extract, leftovers } = await (await lab.client.restoreTable(request)).result();
  const signal = AbortSignal.timeout(60_000);
  const vault = await openLabVault(lab.lab.status, signal);
  const parts: Uint8Array[] = [];
  for await (const part of readExtract({ vault, runId, ...extract, signal })) parts.push(part);
  const measured = await readMeasurements({ vault, limit: 10, signal });
  await vault.close();
  const rows =
    /^COPY public\.accounts .*\n([\s\S]*?)\n\\\.$/m.exec(Buffer.concat(parts).toString())?.[1]?.split('\n') ?? [];
  expect(rows).toHaveLength(extract.rows ?? -1);
  expect(rows.length).toBeGreaterThan(100);
  expect(leftovers).toEqual([]);
  expect(measured.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['table', 'instance', 'verification']));
});

test.each([
  { damage: 'one flipped bit in a pack', folder: 'packs', harm: flipBit },
  { damage: 'a missing segment', folder: 'segments', harm: removeObject },
])('$damage turns the verification red and names the object', async ({ folder, harm }) => {
  const file = await firstFile(join(vaultFolder(lab.lab), 'runs', point.pointId, folder));
  const undo = await harm(file);
  const failure = await lab.refusal(await lab.client.verify({ pointId: point.pointId })).finally(undo);
  expect(failure.code).toBe('VerificationFailed');
  expect(failure.message).toContain(basename(file).replace(/\..*$/, ''));
});

test('a truncated manifest turns the verification red and names the object', async () => {
  const undo = await truncateObject(join(vaultFolder(lab.lab), 'points', `${point.pointId}.json`));
  const failure = await lab.refusal(await lab.client.verify({ pointId: point.pointId })).finally(undo);
  expect(failure.code).toBe('VerificationFailed');
  expect(failure.message).toContain(`points/${point.pointId}.json`);
});

test.each(BROKEN)('$what turns the verification red, which no clean shutdown can hide', async ({ guest, names }) => {
  const { made, failure } = must(await broken.get(guest), guest);
  expect(made.consistency.disks).toBe('clean-shutdown');
  expect(failure.code).toBe('VerificationFailed');
  expect(failure.message).toMatch(names);
});

test.each(Object.entries(DAMAGES))(
  'an output that is damaged (%s) turns the verification red and says why',
  async (_, says) => {
    const { made, failure } = must(await broken.get('broken-database.sh'), 'the broken database');
    expect(made.consistency.agents).toMatchObject({ 'pg-cut': 'application-consistent' });
    expect(failure.code).toBe('VerificationFailed');
    expect(failure.message).toMatch(says);
  },
);

test('beside them what is sound stays so: an agent that printed 20 MB wrote its file, and the end of its log is sealed', async () => {
  const { made, failure } = must(await broken.get('broken-database.sh'), 'the broken database');
  // What test/support/agents/floods.sh prints: its line, then its answer.
  const whole = Buffer.concat([Buffer.alloc(20_000_000), Buffer.from('\n\n{"ok":true,"facts":{}}\n')]);
  const sha256 = createHash('sha256').update(whole).digest('hex');
  expect(made.agents?.find(({ recipe }) => recipe === 'floods')?.log).toEqual({ bytes: whole.length, sha256 });
  const { evidence } = await readSealedPoint(lab.lab.status, made.pointId);
  const sealed = must(evidence.get('clone-1-result-answers-floods.agent.log'), 'the sealed end of its log');
  expect(Buffer.compare(sealed, whole.subarray(-LOG_TAIL_BYTES))).toBe(0);
  expect(failure.message).not.toMatch(/(floods|spoiler) output/);
});

function begin(guest: string, request: Partial<BackupRequest>): void {
  const ends = breakAtShutdown(guest, request);
  // It is awaited, and may fail, in its own test.
  ends.catch(() => undefined);
  broken.set(guest, ends);
}

async function breakAtShutdown(guest: string, request: Partial<BackupRequest>) {
  await using machine = await launchVariant(lab, { guest });
  const made = await lab.backup({ ...request, instanceId: machine.instanceId, verify: false });
  const failure = await lab.refusal(await lab.client.verify({ pointId: made.pointId }));
  return { made, failure };
}

/** Until the run ends: the snapshots that volumes of its machine were made from, and whether those are encrypted. */
async function watchVolumes({ aws }: TestLab, run: Run<VerificationResult>): Promise<ReadonlyMap<string, boolean>> {
  const seen = new Map<string, boolean>();
  let over = false;
  const ended = () => {
    over = true;
  };
  void run.result().then(ended, ended);
  while (!over) {
    const filters = [
      { Name: 'tag:understudy:role', Values: ['verify'] },
      { Name: 'tag:understudy:point', Values: [point.pointId] },
    ];
    const { Volumes = [] } = await aws.ec2.send(new DescribeVolumesCommand({ Filters: filters }));
    for (const { SnapshotId, Encrypted } of Volumes) if (SnapshotId) seen.set(SnapshotId, Encrypted === true);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return seen;
}
