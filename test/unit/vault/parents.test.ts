import { expect, test, vi } from 'vitest';
import { sealDocument } from '../../../src/vault/documents.ts';
import { judgeLineage, type LineagePoint } from '../../../src/vault/find-parents.ts';
import {
  type Attestation,
  attest,
  beginRun,
  confirmParents,
  findParents,
  recordRunFacts,
  Tombstone,
  type Vault,
} from '../../../src/vault/index.ts';
import { tombstoneKey } from '../../../src/vault/object-keys.ts';
import { backUp, CONTROL, MOVER, NEVER, testKeys, testSession, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { testVolume, text } from '../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const ID = { a: '20261101T000000Z-0000000a', b: '20261102T000000Z-0000000b', c: '20261103T000000Z-0000000c' } as const;
const MACHINE = 'i-0123456789abcdef0';

type Verdict = 'green' | 'damaged' | 'app broken';

function attestation(pointId: string, verdict: Verdict, hour: number): Attestation {
  const at = `2026-11-04T${String(hour).padStart(2, '0')}:00:00.000Z`;
  return {
    pointId,
    runId: `20261104T${String(hour).padStart(2, '0')}0000Z-00000001`,
    verdict: verdict === 'green' ? 'passed' : 'failed',
    startedAt: at,
    finishedAt: at,
    toolVersion: '0.1.0',
    workflow: { workflowId: 'verify', temporalRunId: 't' },
    consistency: {
      disks: { claimed: 'clean-shutdown', verdict: verdict === 'damaged' ? 'not-checked' : 'confirmed' },
      agents: {},
    },
    checks: [],
    evidence: [],
  };
}

interface Row {
  readonly id: string;
  readonly on?: string;
  readonly expired?: true;
  readonly verify?: true;
  readonly seen?: readonly [Verdict, number];
}

function point({ id, on, expired, verify, seen }: Row): LineagePoint {
  return {
    pointId: id,
    parents: on === undefined ? [] : [on],
    expired: expired ?? false,
    unverified: verify === true && seen?.[0] !== 'green',
    red: seen && seen[0] !== 'green' ? attestation(id, ...seen) : undefined,
    provenAt: seen?.[0] === 'green' ? attestation(id, ...seen).finishedAt : '',
  };
}

// Newest first, as they are found.
test.each<{ what: string; points: Row[]; parents: string[] }>([
  {
    what: 'points without verification, newest first',
    points: [{ id: 'c', on: 'b' }, { id: 'b' }],
    parents: ['c', 'b'],
  },
  { what: 'none that is expired', points: [{ id: 'c', expired: true }, { id: 'b' }], parents: ['b'] },
  { what: 'none that is red', points: [{ id: 'c', seen: ['app broken', 1] }, { id: 'b' }], parents: ['b'] },
  { what: 'none that was to be verified and is not', points: [{ id: 'c', verify: true }, { id: 'b' }], parents: ['b'] },
  { what: 'one that was verified', points: [{ id: 'c', verify: true, seen: ['green', 1] }], parents: ['c'] },
  {
    what: 'not the parent of a damaged one, which may share the damage',
    points: [
      { id: 'c', on: 'b', seen: ['damaged', 2] },
      { id: 'b', seen: ['green', 1] },
    ],
    parents: [],
  },
  {
    what: 'the parent of a damaged one, verified again after it',
    points: [
      { id: 'c', on: 'b', seen: ['damaged', 2] },
      { id: 'b', seen: ['green', 3] },
    ],
    parents: ['b'],
  },
  {
    what: 'the parent of one whose application is broken: its disks were read whole and are sound',
    points: [
      { id: 'c', on: 'b', seen: ['app broken', 2] },
      { id: 'b', seen: ['green', 1] },
    ],
    parents: ['b'],
  },
  {
    what: 'no child and no sibling of a damaged one either, through points that are gone',
    points: [
      { id: 'd', on: 'a' },
      { id: 'c', on: 'b' },
      { id: 'b', on: 'a', seen: ['damaged', 2] },
    ],
    parents: [],
  },
  {
    what: 'what shares nothing with a damaged one',
    points: [{ id: 'c' }, { id: 'b', seen: ['damaged', 2] }],
    parents: ['c'],
  },
])('parents may be: $what', ({ points, parents }) => {
  expect(judgeLineage(points.map(point)).parents).toEqual(parents);
});

async function twoRoles() {
  const store = memoryStore();
  const keys = await testKeys();
  const mover = await testVault({ store, keys, roles: MOVER });
  const control = await testVault({ store, keys, roles: CONTROL, seed: 'control' });
  return { store, mover, control };
}

const volume = () => testVolume(4, new Map([[0, text('a')]]));

async function bury(control: Vault, pointId: string): Promise<void> {
  const body = { pointId, expiredAt: '2026-11-04T00:00:00.000Z', reason: 'test' };
  const kind = { type: 'tombstone', schema: Tombstone } as const;
  const key = tombstoneKey(pointId);
  await control.store.create(key, sealDocument(kind, body, { vault: control, key }), NEVER);
}

test('a candidate that is buried after the session was written is dropped, and the next one stands in', async () => {
  const { mover, control } = await twoRoles();
  await backUp(mover, { 'vol-1': volume() }, { runId: ID.a });
  await backUp(mover, { 'vol-1': volume() }, { runId: ID.b });
  const { parents } = await findParents({ vault: control, machineId: MACHINE, signal: NEVER });
  expect(parents).toEqual([ID.b, ID.a]);
  await beginRun({ vault: control, session: testSession({ 'vol-1': volume() }, ID.c, parents), signal: NEVER });
  const confirm = () => confirmParents({ vault: control, runId: ID.c, signal: NEVER });
  expect((await confirm()).parent?.pointId).toBe(ID.b);
  await bury(control, ID.b);
  const again = await confirm();
  expect(again.parent?.pointId).toBe(ID.a);
  expect(again.dropped).toEqual([{ pointId: ID.b, reason: 'it is expired' }]);
  await bury(control, ID.a);
  expect((await confirm()).parent).toBeUndefined();
});

test('a point of agents’ output alone is no parent, and hides none', async () => {
  const { mover, control } = await twoRoles();
  await backUp(mover, { 'vol-1': volume() }, { runId: ID.a });
  await backUp(mover, { 'agent-output': volume() }, { runId: ID.b, outputOnly: true });
  expect(await findParents({ vault: control, machineId: MACHINE, signal: NEVER })).toEqual({
    parents: [ID.a],
    refused: [{ pointId: ID.b, reason: 'it holds no disks' }],
  });
});

test('a tombstone made by a thief without the control key ends nothing', async () => {
  const { mover, control, store } = await twoRoles();
  await backUp(mover, { 'vol-1': volume() }, { runId: ID.a });
  store.objects.set(tombstoneKey(ID.a), Buffer.from('{"format":"understudy.tombstone/1","epoch":1,"body":{}}'));
  expect((await findParents({ vault: control, machineId: MACHINE, signal: NEVER })).parents).toEqual([ID.a]);
});

test('a candidate turned red after the session was written is dropped', async () => {
  const { mover, control } = await twoRoles();
  await backUp(mover, { 'vol-1': volume() }, { runId: ID.a });
  await beginRun({ vault: mover, session: testSession({ 'vol-1': volume() }, ID.c, [ID.a]), signal: NEVER });
  await attest({ vault: control, attestation: attestation(ID.a, 'damaged', 1), signal: NEVER });
  const { parent, dropped } = await confirmParents({ vault: control, runId: ID.c, signal: NEVER });
  expect(parent).toBeUndefined();
  expect(dropped[0]?.reason).toMatch(/20261104T010000Z-00000001 was red/);
});

test('a point that was to be verified is a parent only once it is, and the manifest says so', async () => {
  const { mover, control } = await twoRoles();
  await backUp(
    mover,
    { 'vol-1': volume() },
    { runId: ID.a, facts: recordRunFacts({ verify: 'launch', pointsByHints: 3 }) },
  );
  const parents = async () => (await findParents({ vault: control, machineId: MACHINE, signal: NEVER })).parents;
  expect(await parents()).toEqual([]);
  await attest({ vault: control, attestation: attestation(ID.a, 'green', 1), signal: NEVER });
  expect(await parents()).toEqual([ID.a]);
});

test('a candidate of which a pack is gone is dropped by name, before anything is built on it', async () => {
  const { mover, store } = await twoRoles();
  await backUp(mover, { 'vol-1': volume() }, { runId: ID.a });
  await beginRun({ vault: mover, session: testSession({ 'vol-1': volume() }, ID.c, [ID.a]), signal: NEVER });
  const pack = [...store.objects.keys()].find((key) => key.endsWith('.pack')) ?? '';
  store.objects.delete(pack);
  const { parent, dropped } = await confirmParents({ vault: mover, runId: ID.c, signal: NEVER });
  expect(parent).toBeUndefined();
  expect(dropped[0]?.reason).toContain(pack);
});

test('points of another machine are no parents, whatever the catalog says', async () => {
  const { mover, store } = await twoRoles();
  await backUp(mover, { 'vol-1': volume() }, { runId: ID.a });
  const [line] = [...store.objects.keys()].filter((key) => key.startsWith('catalog/'));
  store.objects.set((line ?? '').replace(MACHINE, 'i-other'), new Uint8Array(3));
  const found = await findParents({ vault: mover, machineId: 'i-other', signal: NEVER });
  expect(found).toEqual({ parents: [], refused: [{ pointId: ID.a, reason: `it is of ${MACHINE}` }] });
});
