import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DemoOutcome, type DemoRequest, runDemo } from '../../local/demo/run-demo.ts';
import { readTransferLog, type Transfer } from '../../local/production/transfer-log.ts';
import { openLabVault } from '../../local/up/lab-vault.ts';
import { type Manifest, readPoint } from '../../src/vault/index.ts';
import { readMap } from '../../src/vault/read-map.ts';
import { readBlockCounts } from '../support/block-counts.ts';
import { openTestLab, type TestLab } from '../support/test-lab.ts';
import { firstFile, flipBit, type Undo, vaultFolder } from '../support/vault-files.ts';

/** What the demo promises, in the order in which it says so. */
const PROMISES = [
  'class',
  'isolation',
  'verification',
  'requests',
  'connections',
  'production',
  'writes',
  'balance',
  'leftovers',
];
/** From the second point, which holds an agent's dump: nothing but the instant machine is booted for these. */
const GIVEN_BACK = ['search', 'file', 'table', 'instant'];

/** The example of docs/recipes.md: files of the machine that no recipe knows. */
const FOLDERS = {
  use: 'command',
  scripts: Object.fromEntries(
    ['detect', 'agent', 'check', 'load'].map((step) => [
      step,
      fileURLToPath(new URL(`../../examples/recipes/folders/${step}.sh`, import.meta.url)),
    ]),
  ),
  params: { folders: ['/etc', '/srv/not here'] },
};
/** One boot, several harvests. */
const AGENTS = ['postgresql', 'redis', 'pgbackrest', 'folders'];

/** Half of the load's 40 transfers a second. */
const FULL_RATE = 20;

let lab: TestLab;
let first: DemoOutcome;
/** By agents, and under client load too: production writes between the two. */
let second: DemoOutcome;
let transfers: readonly Transfer[];
/** Other tests' runs are in the same lab. */
let firstStartedAt: string;
let secondStartedAt: string;

beforeAll(async () => {
  lab = await openTestLab({ recipes: { pgbackrest: {}, folders: FOLDERS } });
  await showFirst();
  // A busy host may have starved production in that very second: then once more.
  if (justBeforeCapture().length < FULL_RATE) await showFirst();
  secondStartedAt = new Date().toISOString();
  second = await demo('application-agent', 'give-back');
}, 1_800_000);

afterAll(async () => lab?.[Symbol.asyncDispose]());

async function showFirst(): Promise<void> {
  firstStartedAt = new Date().toISOString();
  first = await demo('stop-and-snapshot', 'nothing');
  transfers = await readLoadLog(lab.lab.status.stateDir);
}

/** Transfers that were acknowledged in the last second before the first capture. */
function justBeforeCapture(): readonly Transfer[] {
  const capturedAtMs = Date.parse(first.result.pointInTime);
  return transfers.filter(({ acknowledgedAt = 0 }) => within(acknowledgedAt, capturedAtMs - 1_000, capturedAtMs));
}

function demo(method: DemoRequest['method'], afterwards: DemoRequest['afterwards']): Promise<DemoOutcome> {
  return runDemo({
    lab: lab.lab,
    method,
    afterwards,
    say: () => {},
    stderr: process.stderr,
    reportFolder: lab.lab.status.stateDir,
    keep: false,
    signal: AbortSignal.timeout(900_000),
  });
}

test.each(PROMISES.map((name) => ({ name })))('the demo proves: $name', ({ name }) => {
  expect(first.facts.find((fact) => fact.name === name)).toEqual({ name, holds: true, found: expect.any(String) });
});

test.each(GIVEN_BACK.map((name) => ({ name })))('the demo gives back from its point: $name', ({ name }) => {
  expect(second.facts.find((fact) => fact.name === name)).toEqual({ name, holds: true, found: expect.any(String) });
});

test("one table came out of the agent's dump, and the machine ran from the vault without a copy of it", async () => {
  const found = (name: string) => second.facts.find((fact) => fact.name === name)?.found;
  expect(found('table')).toMatch(/10000 rows out of the agent's dump/);
  const [, fetched] = /with (\d+) MiB fetched/.exec(found('instant') ?? '') ?? [];
  const { volumes } = await manifestOf(second.result.pointId);
  const stored = volumes.reduce((sum, { map }) => sum + map.storedBlocks / 2, 0);
  console.log(`instant recovery: ${fetched} of ${stored} MiB fetched`);
  expect(Number(fetched)).toBeLessThan(stored * 0.8);
});

test('the demo has no promise that this test does not know', () => {
  expect(first.facts.map(({ name }) => name)).toEqual(PROMISES);
});

test('production worked at full rate up to the capture, so the comparison of writes means something', () => {
  expect(justBeforeCapture().length).toBeGreaterThanOrEqual(FULL_RATE);
});

test('one backup with two volumes costs at most 400 history events in all its workflows', async () => {
  const query = `StartTime >= "${firstStartedAt}" AND StartTime < "${secondStartedAt}"`;
  const lengths: Record<string, number> = {};
  for await (const { workflowId, historyLength } of lab.temporal.workflow.list({ query })) {
    lengths[workflowId] = historyLength;
  }
  expect(Object.keys(lengths)).toHaveLength(5); // request, backup, two volumes, verification
  const events = Object.values(lengths).reduce((sum, length) => sum + length, 0);
  console.log(`history events of one backup: ${events}`);
  expect(events).toBeLessThanOrEqual(400);
});

test('the report is one file that loads and runs nothing, with both screens in it', async () => {
  const html = await readFile(first.report, 'utf8');
  expect(html).toContain(first.result.pointId);
  expect(html.match(/src="data:image\/jpeg;base64,/g)).toHaveLength(2);
  expect(html).not.toMatch(/<script|https?:\/\/[^"]*"\s*(rel|src)/i);
});

test('the second backup builds on the first, verifies green and holds every acknowledged transfer', () => {
  expect(second.facts.filter(({ holds }) => !holds)).toEqual([]);
  expect(second.result.verification).toMatchObject({ verdict: 'green' });
  for (const volume of second.result.volumes.filter(isDisk)) {
    expect(volume.parentId).toBe(first.result.pointId);
    expect(volume).not.toHaveProperty('readAll');
    expect(volume.blocksAudited).toBeGreaterThanOrEqual(Math.min(32, volume.blocks / 4));
  }
});

test('its files and tables are listed when nothing of it is left in the account, and what did not change is not stored again', () => {
  const { fileIndex, phases } = second.result;
  expect(phases.slice(-2)).toMatchObject([
    { phase: 'clean-up', state: 'done' },
    { phase: 'index', state: 'done' },
  ]);
  if (!fileIndex || 'code' in fileIndex) throw new Error(`there is no index: ${fileIndex?.message}`);
  expect(fileIndex.files).toBeGreaterThan(2_000);
  expect(fileIndex.objects).toBeGreaterThan(1);
  expect(fileIndex.pagesReused).toBeGreaterThan(0);
});

test('all agents ran in its one clone, and what they wrote loads and holds what its disks hold, row by row', () => {
  const { agents = [], consistency, verification } = second.result;
  expect(agents.map(({ recipe, exitStatus }) => `${recipe} ${exitStatus}`)).toEqual(AGENTS.map((name) => `${name} 0`));
  expect(consistency.agents).toEqual(Object.fromEntries(AGENTS.map((name) => [name, 'application-consistent'])));
  for (const name of AGENTS) {
    const fact = verification?.facts.find((one) => one.name === `${name} output`);
    expect(fact).toMatchObject({ verdict: 'clean', found: expect.stringContaining('loaded into a fresh instance') });
  }
  const saw = agents[0]?.facts.rowsMd5;
  const loaded = verification?.facts.find(({ name }) => name === 'postgresql output');
  expect(loaded).toMatchObject({ verdict: 'clean', found: expect.stringContaining(`(rowsMd5 ${saw},`) });
  expect(loaded?.found).toContain(`disksRowsMd5 ${saw}`);
  expect(verification?.facts).toContainEqual(expect.objectContaining({ name: 'redis output', verdict: 'clean' }));
});

test('it reads few of the blocks it holds, as the cloud counted, and stores less than it reuses', async () => {
  const { capture, volumes } = await manifestOf(second.result.pointId);
  let read = 0;
  for (const { snapshotId } of capture.cloneSnapshots) {
    read += (await readBlockCounts(lab.lab.status.control, snapshotId)).blocksRead;
  }
  const held = volumes.reduce((sum, { map }) => sum + map.storedBlocks, 0);
  console.log(`second backup: ${read} of ${held} blocks read`);
  // Load, a restart of the server and its checkpoints touch half of a small disk.
  expect(read).toBeLessThan(held * 0.75);
  const sum = (of: 'bytesStored' | 'bytesReused') =>
    second.result.volumes.filter(isDisk).reduce((total, volume) => total + volume[of], 0);
  expect(sum('bytesStored')).toBeLessThan(sum('bytesReused'));
});

test('after a bit of the last point flipped and its verification was red, the next point shares nothing with it', async () => {
  // Prepare
  const { pointId } = second.result;
  const undo: Undo = await flipBit(await firstFile(join(vaultFolder(lab.lab), 'runs', pointId, 'packs')));
  const failure = await lab.refusal(await lab.client.verify({ pointId })).finally(undo);
  expect(failure.code).toBe('VerificationFailed');
  // Act
  const third = await lab.backup();
  // Assess
  expect(third.verification).toMatchObject({ verdict: 'green' });
  for (const { parentId } of third.volumes) expect([first.result.pointId, pointId]).not.toContain(parentId);
  const [bad, good] = [await runsBehind(pointId), await runsBehind(third.pointId)];
  expect(bad).toContain(first.result.pointId);
  expect([...good].filter((run) => bad.has(run))).toEqual([]);
});

async function readLoadLog(stateDir: string): Promise<readonly Transfer[]> {
  // Named by their time; tests before this one left theirs in the same lab.
  const name = (await readdir(stateDir))
    .filter((file) => /^load-\d+\.jsonl$/.test(file))
    .sort()
    .at(-1);
  return readTransferLog(join(stateDir, name ?? 'the demo left no load log'));
}

function within(atMs: number, fromMs: number, toMs: number): boolean {
  return atMs >= fromMs && atMs < toMs;
}

/** Agents' output is new in each run. */
function isDisk({ volumeId }: { readonly volumeId: string }): boolean {
  return volumeId !== 'agent-output';
}

async function manifestOf(pointId: string): Promise<Manifest> {
  const signal = AbortSignal.timeout(60_000);
  const vault = await openLabVault(lab.lab.status, signal);
  return readPoint({ vault, pointId, signal }).finally(() => vault.close());
}

/** Runs whose packs and segments a point needs. */
async function runsBehind(pointId: string): Promise<ReadonlySet<string>> {
  const signal = AbortSignal.timeout(60_000);
  const vault = await openLabVault(lab.lab.status, signal);
  const runs = new Set<string>();
  for (const volume of (await readPoint({ vault, pointId, signal })).volumes) {
    const { segments, packs } = await readMap(vault, volume, signal);
    for (const object of [...segments, ...packs]) if (object) runs.add(object.runId);
  }
  await vault.close();
  return runs;
}
