import { expect, test, vi } from 'vitest';
import { beginIncrement, type Increment } from '../../../src/activities/increment.ts';
import { attest, recordRunFacts, type Vault } from '../../../src/vault/index.ts';
import { resolvedBackup } from '../../support/fake-activities.ts';
import { backUp, CONTROL, NEVER, NOW, testKeys, testSession, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { testVolume, text } from '../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const MACHINE = 'i-0123456789abcdef0';
const [OLDER, NEWER, NEXT] = ['20261121T020000Z-00000001', '20261122T020000Z-00000002', '20261123T020000Z-00000003'];
const volumes = { 'vol-1': testVolume(4, new Map([[0, text('a')]])) };

async function twoRoles() {
  const store = memoryStore();
  const keys = await testKeys();
  return {
    mover: await testVault({ store, keys }),
    control: await testVault({ store, keys, roles: CONTROL, seed: 'control' }),
  };
}

function begin(vault: Vault, fullReadEvery = 30, runId = NEXT): Promise<Increment> {
  const { candidateParents: _none, ...session } = testSession(volumes, runId);
  const run = {
    runId: runId ?? '',
    deploymentId: 'd',
    workflowId: 'w',
    temporalRunId: 't',
    sourceId: MACHINE,
    expiresAt: NOW,
  };
  const backup = resolvedBackup(MACHINE, { fullReadEvery });
  return beginIncrement({ vault, run, backup, session, signal: NEVER });
}

test('the first backup of a machine builds on nothing and says so', async () => {
  const { control } = await twoRoles();
  expect(await begin(control)).toEqual({ base: null, readAll: 'there is no earlier point' });
});

test('a run builds on the newest point and knows how many in a row were read by hints', async () => {
  const { mover, control } = await twoRoles();
  await backUp(mover, volumes, { runId: OLDER });
  const { volumes: made } = await backUp(mover, volumes, {
    runId: NEWER,
    facts: recordRunFacts({ verify: null, pointsByHints: 4 }),
  });
  const volume = { volumeId: 'vol-1', map: made[0]?.map, captureId: null, hasChanges: false };
  expect(await begin(control)).toEqual({
    base: { pointId: NEWER, pointsByHints: 4, volumes: [volume] },
    readAll: null,
  });
});

test.each([
  { fullReadEvery: 1, pointsByHints: 0, all: true },
  { fullReadEvery: 3, pointsByHints: 0, all: false },
  { fullReadEvery: 3, pointsByHints: 1, all: false },
  { fullReadEvery: 3, pointsByHints: 2, all: true },
])('with fullReadEvery $fullReadEvery and $pointsByHints points by hints before, all is read: $all', async (row) => {
  const { mover, control } = await twoRoles();
  const facts = recordRunFacts({ verify: null, pointsByHints: row.pointsByHints });
  await backUp(mover, volumes, { runId: NEWER, facts });
  const { base, readAll } = await begin(control, row.fullReadEvery);
  expect(base?.pointId).toBe(NEWER);
  if (row.all) expect(readAll).toMatch(/fullReadEvery/);
  else expect(readAll).toBeNull();
});

test('after a red point everything is read, also when an older one is sound enough to build on', async () => {
  const { mover, control } = await twoRoles();
  await backUp(mover, volumes, { runId: OLDER });
  await backUp(mover, volumes, { runId: NEWER });
  const disks = { claimed: 'clean-shutdown', verdict: 'confirmed' } as const;
  const attestation = {
    pointId: NEWER ?? '',
    runId: '20261122T030000Z-00000009',
    verdict: 'failed',
    startedAt: NOW,
    finishedAt: NOW,
    toolVersion: '0',
    workflow: { workflowId: 'v', temporalRunId: 't' },
    consistency: { disks, agents: {} },
    checks: [],
    evidence: [],
  } as const;
  await attest({ vault: control, attestation: { ...attestation, checks: [], evidence: [] }, signal: NEVER });
  const { base, readAll } = await begin(control);
  expect(base?.pointId).toBe(OLDER);
  expect(readAll).toBe(`the later point ${NEWER} is red`);
});

test('after a failed audit every block is read, whoever asks, until a point is made that has read them', async () => {
  const { mover, control } = await twoRoles();
  const parent = await backUp(mover, volumes, { runId: OLDER });
  const lied = testVolume(4, new Map([[0, text('b')]]));
  const changed = { 'vol-1': new Set<number>() };
  const attempt = backUp(mover, { 'vol-1': lied }, { runId: NEWER, parent, changed });
  await expect(attempt).rejects.toMatchObject({ code: 'AuditFailed' });
  expect(await begin(control)).toMatchObject({
    base: { pointId: OLDER },
    readAll: `run ${NEWER} found block 0 of vol-1 changed that was said not to be`,
  });
  await backUp(mover, { 'vol-1': lied }, { runId: '20261122T030000Z-00000002' });
  expect(await begin(control, 30, '20261123T030000Z-00000004')).toMatchObject({
    base: { pointId: '20261122T030000Z-00000002' },
    readAll: null,
  });
});
