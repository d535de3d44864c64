import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DemoOutcome, runDemo } from '../../local/demo/run-demo.ts';
import { openLabVault } from '../../local/up/lab-vault.ts';
import type { BackupResult } from '../../src/client/index.ts';
import { type Manifest, readPoint } from '../../src/vault/index.ts';
import { readMap } from '../../src/vault/read-map.ts';
import { readBlockCounts } from '../support/block-counts.ts';
import { openTestLab, type TestLab } from '../support/test-lab.ts';
import { firstFile, flipBit, type Undo, vaultFolder } from '../support/vault-files.ts';

let lab: TestLab;
let first: BackupResult;
/** The second backup, by agents and under client load: production writes between the two. */
let second: DemoOutcome;

beforeAll(async () => {
  lab = await openTestLab();
  first = await lab.backup();
  second = await runDemo({
    lab: lab.lab,
    method: 'application-agent',
    say: () => {},
    stderr: process.stderr,
    reportFolder: lab.lab.status.stateDir,
    keep: false,
    signal: AbortSignal.timeout(400_000),
  });
});

afterAll(async () => lab?.[Symbol.asyncDispose]());

test('the second backup builds on the first, verifies green and holds every acknowledged transfer', () => {
  expect(second.facts.filter(({ holds }) => !holds)).toEqual([]);
  expect(second.result.verification).toMatchObject({ verdict: 'green' });
  for (const volume of second.result.volumes.filter(isDisk)) {
    expect(volume.parentId).toBe(first.pointId);
    expect(volume).not.toHaveProperty('readAll');
    expect(volume.blocksAudited).toBeGreaterThanOrEqual(Math.min(32, volume.blocks / 4));
  }
});

test('both agents ran in its one clone, and what they wrote loads and holds what its disks hold, row by row', () => {
  const { agents = [], consistency, verification } = second.result;
  expect(agents.map(({ recipe, exitStatus }) => `${recipe} ${exitStatus}`)).toEqual(['postgresql 0', 'redis 0']);
  expect(consistency.agents).toEqual({ postgresql: 'application-consistent', redis: 'application-consistent' });
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
  expect(read).toBeLessThan(held * 0.6);
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
  for (const { parentId } of third.volumes) expect([first.pointId, pointId]).not.toContain(parentId);
  const [bad, good] = [await runsBehind(pointId), await runsBehind(third.pointId)];
  expect(bad).toContain(first.pointId);
  expect([...good].filter((run) => bad.has(run))).toEqual([]);
});

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
