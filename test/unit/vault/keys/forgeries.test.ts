import { beforeAll, expect, test, vi } from 'vitest';
import { readTombstones } from '../../../../src/vault/collect/read-tombstones.ts';
import type { DocumentKind } from '../../../../src/vault/documents.ts';
import { sealDocument } from '../../../../src/vault/documents.ts';
import { Fence } from '../../../../src/vault/fence.ts';
import { findParents } from '../../../../src/vault/find-parents.ts';
import { RELEASE } from '../../../../src/vault/holds.ts';
import {
  Attestation,
  beginRun,
  commitPoint,
  holdPoint,
  initVault,
  isHeld,
  listKeys,
  listPoints,
  openVault,
  readFence,
  readPoint,
  standingAttestation,
} from '../../../../src/vault/index.ts';
import { type DocumentType, encodeDocument } from '../../../../src/vault/json-document.ts';
import { controlKeyPair } from '../../../../src/vault/key-ring.ts';
import {
  attestationKey,
  furtherKeysKey,
  keysKey,
  pointKey,
  releaseKey,
  tombstoneKey,
} from '../../../../src/vault/object-keys.ts';
import { COMMIT } from '../../../../src/vault/points.ts';
import { TOMBSTONE } from '../../../../src/vault/read-tombstone.ts';
import type { Vault } from '../../../../src/vault/vault.ts';
import { testAttestation } from '../../../support/vault-attestation.ts';
import {
  archiveAll,
  backUp,
  CONTROL,
  fixedClock,
  MOVER,
  NEVER,
  NOW,
  RUN_ID,
  testSession,
  testVault,
  VERIFY_RUN_ID,
} from '../../../support/vault-fixture.ts';
import { ageIdentity, lastingKeys, rotate } from '../../../support/vault-keys.ts';
import { memoryStore } from '../../../support/vault-memory-store.ts';
import { seededBytes } from '../../../support/vault-random.ts';
import { testVolume, text } from '../../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const SECOND = '20261124T023107Z-9f2c0002';
const OPEN_RUN = '20261125T023107Z-9f2c0003';
const LATER = '20261126T000000Z-9f2c0009';
const volumes = () => ({ 'vol-1': testVolume(4, new Map([[3, text('row')]])) });

const FENCE: DocumentKind<Fence> = { type: 'fence', schema: Fence };
const ATTESTATION: DocumentKind<Attestation> = { type: 'attestation', schema: Attestation };

const keys = lastingKeys();
let template: ReturnType<typeof memoryStore>;
/** Another vault whose keys lie in the same key file: what it signs must not count in this one. */
let foreign: ReturnType<typeof memoryStore>;

beforeAll(async () => {
  template = memoryStore();
  foreign = memoryStore();
  const request = { keys, clock: fixedClock, randomBytes: seededBytes('forgeries'), signal: NEVER };
  for (const store of [template, foreign]) await initVault({ ...request, store });
  const mover = await openVault({ ...request, store: template, roles: MOVER });
  await backUp(mover, volumes());
  await backUp(mover, volumes(), { runId: SECOND });
  await beginRun({ vault: mover, session: testSession(volumes(), OPEN_RUN), signal: NEVER });
  await mover.close();
});

/** The same vault for each test. */
async function vaults() {
  const store = memoryStore(new Map(template.objects));
  const mover = await testVault({ store, keys, roles: MOVER });
  const control = await testVault({ store, keys, roles: CONTROL, seed: 'control' });
  const other = await testVault({ store: memoryStore(new Map(foreign.objects)), keys, roles: CONTROL, seed: 'other' });
  return { store, mover, control, other };
}

interface Making {
  readonly mover: Vault;
  readonly control: Vault;
  readonly other: Vault;
  readonly kind: DocumentKind<never>;
  readonly body: (runId: string) => never;
  readonly place: (runId: string) => string;
  readonly runId: string;
}

const stranger = controlKeyPair(new Uint8Array(32).fill(7));
const FORGERS: readonly { readonly by: string; readonly make: (making: Making) => Uint8Array }[] = [
  {
    by: 'a mover, with the meta root it holds',
    make: ({ mover, kind, body, place, runId }) =>
      encodeDocument(
        { type: kind.type, epoch: 1, body: body(runId) },
        { vaultId: mover.vaultId, key: place(runId) },
        {
          kind: 'mac',
          key: () => mover.keys.meta(1, 'json-mac'),
        },
      ),
  },
  {
    by: 'a mover, with a control key of its own making',
    make: ({ mover, kind, body, place, runId }) =>
      encodeDocument(
        { type: kind.type, epoch: 1, body: body(runId) },
        { vaultId: mover.vaultId, key: place(runId) },
        {
          kind: 'signature',
          privateKey: stranger.privateKey,
        },
      ),
  },
  {
    by: 'whoever copies a genuine one of another run',
    make: ({ control, kind, body, place }) => sealDocument(kind, body(LATER), { vault: control, key: place(LATER) }),
  },
  {
    by: 'whoever replays one of another vault',
    make: ({ other, kind, body, place, runId }) => sealDocument(kind, body(runId), { vault: other, key: place(runId) }),
  },
  {
    by: 'whoever cuts a genuine one short',
    make: ({ control, kind, body, place, runId }) =>
      sealDocument(kind, body(runId), { vault: control, key: place(runId) }).subarray(0, -1),
  },
  {
    by: 'whoever changes a letter of a genuine one',
    make: ({ control, kind, body, place, runId }) => {
      const bytes = Uint8Array.from(sealDocument(kind, body(runId), { vault: control, key: place(runId) }));
      const at = Buffer.from(bytes).indexOf('2026-11-23T02:31:07');
      bytes[at + 3] = (bytes[at + 3] ?? 0) + 1;
      return bytes;
    },
  },
];

const tombstone = (pointId: string) => ({ pointId, expiredAt: NOW, reason: 'forged' });
const fence = (runId: string) => ({ outcome: 'abandoned', runId, fencedAt: NOW, reason: 'forged' });
const passed = (pointId: string) => testAttestation(pointId, LATER, 'passed');

function forged(
  making: Pick<Making, 'mover' | 'control' | 'other'>,
  about: Omit<Making, 'mover' | 'control' | 'other'>,
) {
  return { ...making, ...about };
}

/** Bodies differ by type; the forger does not care. */
const loose = <T>(kind: { readonly type: DocumentType; readonly schema: unknown }, body: (runId: string) => T) =>
  ({ kind, body }) as unknown as Pick<Making, 'kind' | 'body'>;

test.each(FORGERS)(
  'a tombstone made by $by is ignored and reported by listings and by the collector',
  async ({ make }) => {
    const { store, mover, control, other } = await vaults();
    const about = { ...loose(TOMBSTONE, tombstone), place: tombstoneKey, runId: RUN_ID };
    store.objects.set(tombstoneKey(RUN_ID), make(forged({ mover, control, other }, about)));
    const reported: string[] = [];
    for await (const point of listPoints({ vault: mover, signal: NEVER, onInvalid: (key) => reported.push(key) }))
      expect(point).toMatchObject({ state: 'committed', expired: null });
    expect(reported).toEqual([tombstoneKey(RUN_ID)]);
    const found = await readTombstones({ vault: control, signal: NEVER });
    expect([...found.expired]).toEqual([]);
    expect(found.invalid.map(({ key }) => key)).toEqual([tombstoneKey(RUN_ID)]);
  },
);

test.each(FORGERS)('an attestation made by $by does not make a red point green, nor a parent', async ({ make }) => {
  const { store, mover, control, other } = await vaults();
  const genuine = attestationKey(RUN_ID, VERIFY_RUN_ID);
  const red = testAttestation(RUN_ID, VERIFY_RUN_ID, 'failed');
  store.objects.set(genuine, sealDocument(ATTESTATION, red, { vault: control, key: genuine }));
  const key = attestationKey(RUN_ID, LATER);
  const place = (pointId: string) => attestationKey(pointId, LATER);
  const about = { ...loose(ATTESTATION, passed), place, runId: RUN_ID };
  store.objects.set(key, make(forged({ mover, control, other }, about)));
  const reported: string[] = [];
  const onInvalid = (each: string) => reported.push(each);
  const latest = await standingAttestation({ vault: mover, pointId: RUN_ID, signal: NEVER, onInvalid });
  expect(latest?.verdict).toBe('failed');
  expect(reported).toEqual([key]);
  const { refused } = await findParents({ vault: mover, machineId: 'i-0123456789abcdef0', signal: NEVER });
  expect(refused.map(({ pointId }) => pointId)).toContain(RUN_ID);
});

test.each(FORGERS)('a fence made by $by is no fence: what stands there is reported as neither', async ({ make }) => {
  const { store, mover, control, other } = await vaults();
  const about = { ...loose(FENCE, fence), place: pointKey, runId: OPEN_RUN };
  store.objects.set(pointKey(OPEN_RUN), make(forged({ mover, control, other }, about)));
  expect(await readFence({ vault: mover, runId: OPEN_RUN, signal: NEVER })).toBeUndefined();
  const states = [];
  for await (const { state } of listPoints({ vault: mover, signal: NEVER })) states.push(state);
  expect(states).toEqual(['committed', 'committed', 'invalid']);
});

test('after a rotation the old control key still judges old points, and no newer ones', async () => {
  const { store, mover, control } = await vaults();
  await rotate(control, keys);
  await backUp(mover, volumes(), { runId: LATER });
  const sign = (pointId: string, epoch: number) => {
    const key = tombstoneKey(pointId);
    store.objects.set(key, sealDocument(TOMBSTONE, tombstone(pointId), { vault: control, key, epoch }));
    const judged = attestationKey(pointId, VERIFY_RUN_ID);
    const body = testAttestation(pointId, VERIFY_RUN_ID, 'passed');
    store.objects.set(judged, sealDocument(ATTESTATION, body, { vault: control, key: judged, epoch }));
  };
  sign(RUN_ID, 1);
  sign(SECOND, 2);
  sign(LATER, 1);
  const reported: string[] = [];
  const onInvalid = (key: string) => reported.push(key);
  const expired = new Map<string, boolean>();
  for await (const point of listPoints({ vault: mover, signal: NEVER, onInvalid })) {
    if (point.state === 'committed') expired.set(point.pointId, point.expired !== null);
    const { pointId } = point;
    const latest = await standingAttestation({ vault: mover, pointId, signal: NEVER, onInvalid });
    expect(latest?.verdict).toBe(pointId === LATER ? undefined : 'passed');
  }
  expect(Object.fromEntries(expired)).toEqual({ [RUN_ID]: true, [SECOND]: true, [LATER]: false });
  expect(reported).toEqual([tombstoneKey(LATER), attestationKey(LATER, VERIFY_RUN_ID)]);
  // The collector was open before the rotation and knows only the first epoch when it begins.
  const collector = await testVault({ store, keys, roles: CONTROL, seed: 'collector' });
  const found = await readTombstones({ vault: collector, signal: NEVER });
  expect([...found.expired].sort()).toEqual([RUN_ID, SECOND]);
  expect(found.invalid.map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/signed by the control key of epoch 1, its point is of epoch 2; ignored/),
  ]);
});

test('an old control key cannot end a run under the new keys before it commits', async () => {
  const { store, mover, control } = await vaults();
  await rotate(control, keys);
  await beginRun({ vault: mover, session: testSession(volumes(), LATER), signal: NEVER });
  const key = tombstoneKey(LATER);
  store.objects.set(key, sealDocument(TOMBSTONE, tombstone(LATER), { vault: control, key, epoch: 1 }));
  const { expired, invalid } = await readTombstones({ vault: control, signal: NEVER });
  expect([...expired]).toEqual([]);
  expect(invalid.map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/may only end points that are committed/),
  ]);
});

test('a hold placed after a rotation is not released by the old control key', async () => {
  const { store, mover, control } = await vaults();
  await rotate(control, keys);
  await holdPoint({ vault: control, pointId: RUN_ID, holdId: LATER, reason: 'court order', signal: NEVER });
  const key = releaseKey(RUN_ID, LATER);
  const body = { pointId: RUN_ID, holdId: LATER, releasedAt: NOW, reason: 'forged' };
  store.objects.set(key, sealDocument(RELEASE, body, { vault: control, key, epoch: 1 }));
  expect(await isHeld({ vault: mover, pointId: RUN_ID, signal: NEVER })).toBe(true);
  store.objects.set(key, sealDocument(RELEASE, body, { vault: control, key, epoch: 2 }));
  expect(await isHeld({ vault: mover, pointId: RUN_ID, signal: NEVER })).toBe(false);
});

test('who still holds old roots cannot finish a run of the new epoch in its place', async () => {
  const { store, mover, control } = await vaults();
  await rotate(control, keys);
  await beginRun({ vault: mover, session: testSession(volumes(), LATER), signal: NEVER });
  const draft = await archiveAll(mover, volumes(), { runId: LATER });
  const old = await readPoint({ vault: mover, pointId: RUN_ID, signal: NEVER });
  const key = pointKey(LATER);
  store.objects.set(key, sealDocument(COMMIT, { ...old, pointId: LATER }, { vault: mover, key, epoch: 1 }));
  await expect(commitPoint({ vault: mover, draft, signal: NEVER })).rejects.toThrow(
    /it is of epoch 1, the run of epoch 2/,
  );
});

test('a manifest proven by older keys than it names is no point', async () => {
  const { store, mover, control } = await vaults();
  await rotate(control, keys);
  await mover.refreshKeys(NEVER);
  const manifest = await readPoint({ vault: mover, pointId: RUN_ID, signal: NEVER });
  const key = pointKey(OPEN_RUN);
  const body = { ...manifest, pointId: OPEN_RUN, epoch: 2 };
  store.objects.set(key, sealDocument(COMMIT, body, { vault: mover, key, epoch: 1 }));
  await expect(readPoint({ vault: mover, pointId: OPEN_RUN, signal: NEVER })).rejects.toThrow(
    /says epoch 2 and is proven by the keys of epoch 1/,
  );
});

/** What somebody without the control key may put where the next epoch's keys belong. */
function fakeEpoch(mover: Vault, signer: 'stranger' | 'mac'): Uint8Array {
  const roots = { data: [], meta: [], control: [] };
  const body = { vaultId: mover.vaultId, epoch: 2, createdAt: NOW, controlPublicKey: stranger.publicKey, roots };
  const by =
    signer === 'mac'
      ? ({ kind: 'mac', key: () => mover.keys.meta(1, 'json-mac') } as const)
      : ({ kind: 'signature', privateKey: stranger.privateKey } as const);
  return encodeDocument({ type: 'keys', epoch: 1, body }, { vaultId: mover.vaultId, key: keysKey(2) }, by);
}

test.each([{ signer: 'stranger' }, { signer: 'mac' }] as const)(
  'a fake epoch ($signer) is refused and reported: points stay readable, and nothing is begun or rotated over it',
  async ({ signer }) => {
    const { store, mover, control } = await vaults();
    store.objects.set(keysKey(2), fakeEpoch(mover, signer));
    const reported: string[] = [];
    const onInvalid = (key: string) => reported.push(key);
    const request = { store, keys, clock: fixedClock, randomBytes: seededBytes('x'), signal: NEVER };
    const vault = await openVault({ ...request, roles: MOVER, onInvalid });
    expect([vault.epoch, reported]).toEqual([1, ['keys/2.json']]);
    expect((await readPoint({ vault, pointId: RUN_ID, signal: NEVER })).pointId).toBe(RUN_ID);
    for (const begun of [vault, mover]) {
      const run = beginRun({ vault: begun, session: testSession(volumes(), LATER), signal: NEVER });
      await expect(run).rejects.toMatchObject({ code: 'KeysNotSigned', context: { key: 'keys/2.json' } });
    }
    await expect(rotate(control, keys)).rejects.toMatchObject({ code: 'KeysNotSigned' });
    expect((await listKeys({ store, signal: NEVER })).epochs).toHaveLength(1);
    // Once it is removed, everything goes on.
    store.objects.delete(keysKey(2));
    expect((await beginRun({ vault, session: testSession(volumes(), LATER), signal: NEVER })).epoch).toBe(1);
    await vault.close();
  },
);

test('further recipients that the control key did not sign are not used', async () => {
  const { store, mover } = await vaults();
  const identity = await ageIdentity();
  const wrap = async (purpose: 'data' | 'meta') => {
    const name = { vaultId: mover.vaultId, epoch: 1, purpose };
    const { keyId, wrapped } = await identity.recipient.wrap(new Uint8Array(32), name, NEVER);
    return [{ recipient: { kind: 'age', id: keyId }, wrapped: Buffer.from(wrapped).toString('base64') }];
  };
  const roots = { data: await wrap('data'), meta: await wrap('meta'), control: [] };
  const controlPublicKey = mover.keys.controlPublicHex(1);
  const body = { vaultId: mover.vaultId, epoch: 1, createdAt: NOW, controlPublicKey, roots };
  const key = furtherKeysKey(1, 2);
  const by = { kind: 'signature', privateKey: stranger.privateKey } as const;
  store.objects.set(key, encodeDocument({ type: 'keys', epoch: 1, body }, { vaultId: mover.vaultId, key }, by));
  const reported: string[] = [];
  const open = openVault({
    store,
    keys: identity.service,
    roles: MOVER,
    clock: fixedClock,
    randomBytes: seededBytes('x'),
    signal: NEVER,
    onInvalid: (each) => reported.push(each),
  });
  await expect(open).rejects.toThrow(/is wrapped for file key, not for a key of kind age/);
  expect(reported).toEqual([key]);
});
