import { expect, test, vi } from 'vitest';
import { FormatError, VaultError } from '../../../src/errors.ts';
import {
  type Attestation,
  archiveShard,
  attest,
  beginRun,
  commitPoint,
  fenceRun,
  listAttestations,
  listPoints,
  openVault,
  openVolume,
  readEvidence,
  readFence,
  readPoint,
  standingAttestation,
  writeChangeSet,
  writeEvidence,
} from '../../../src/vault/index.ts';
import { attestationKey, pointKey, tombstoneKey } from '../../../src/vault/object-keys.ts';
import { testAttestation } from '../../support/vault-attestation.ts';
import {
  archiveAll,
  backUp,
  CONTROL,
  fixedClock,
  MOVER,
  NEVER,
  RUN_ID,
  testKeys,
  testSession,
  testVault,
  VERIFY_RUN_ID,
} from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { seededBytes } from '../../support/vault-random.ts';
import { noise, testVolume, text } from '../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const volumes = () => ({
  'vol-1': testVolume(
    20,
    new Map([
      [3, text('row')],
      [4, noise(4)],
    ]),
  ),
});

async function openBoth() {
  const store = memoryStore();
  const keys = await testKeys();
  const mover = await testVault({ store, keys, roles: MOVER });
  const control = await testVault({ store, keys, roles: CONTROL, seed: 'control' });
  return { store, keys, mover, control };
}

const code = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof VaultError ? error.code : String(error)),
  );

test('commit and fence race on one key: a fenced run can never commit, and says why', async () => {
  const { mover, control } = await openBoth();
  await beginRun({ vault: mover, session: testSession(volumes()), signal: NEVER });
  const draft = await archiveAll(mover, volumes());
  expect(await fenceRun({ vault: control, runId: RUN_ID, reason: 'its workflow is gone', signal: NEVER })).toBe(
    'fenced',
  );
  await expect(commitPoint({ vault: mover, draft, signal: NEVER })).rejects.toThrow(
    /was abandoned at .*: its workflow is gone/,
  );
  expect(await code(beginRun({ vault: mover, session: testSession(volumes()), signal: NEVER }))).toBe('RunAbandoned');
  expect((await readFence({ vault: mover, runId: RUN_ID, signal: NEVER }))?.reason).toBe('its workflow is gone');
  expect(await code(readPoint({ vault: mover, pointId: RUN_ID, signal: NEVER }))).toBe('RunAbandoned');
});

test('a fence that slips in between the check and the put wins; the commit is RunAbandoned', async () => {
  const { store, keys, mover, control } = await openBoth();
  await beginRun({ vault: mover, session: testSession(volumes()), signal: NEVER });
  const draft = await archiveAll(mover, volumes());
  const late = {
    ...store,
    async create(key: string, body: Uint8Array, signal: AbortSignal) {
      if (key === pointKey(RUN_ID)) await fenceRun({ vault: control, runId: RUN_ID, reason: 'late', signal });
      await store.create(key, body, signal);
    },
  };
  const racing = await testVault({ store: late, keys, seed: 'racing' });
  expect(await code(commitPoint({ vault: racing, draft, signal: NEVER }))).toBe('RunAbandoned');
});

test('a committed run cannot be fenced, and committing again gives the same point', async () => {
  const { mover, control } = await openBoth();
  const manifest = await backUp(mover, volumes());
  expect(await fenceRun({ vault: control, runId: RUN_ID, reason: 'too late', signal: NEVER })).toBe('committed');
  const { volumes: mapped } = manifest;
  expect(mapped).toHaveLength(1);
  expect(await backUp(mover, volumes())).toEqual(manifest);
});

test('a mover holds no control key: it can neither fence nor attest, and what it forges is ignored', async () => {
  const { store, mover, control } = await openBoth();
  await backUp(mover, volumes());
  expect(await code(fenceRun({ vault: mover, runId: RUN_ID, reason: 'x', signal: NEVER }))).toBe('KeyUnusable');
  expect(await code(attest({ vault: mover, attestation: attestation('passed'), signal: NEVER }))).toBe('KeyUnusable');
  await attest({ vault: control, attestation: attestation('failed'), signal: NEVER });
  const forged = attestationKey(RUN_ID, '20261123T040000Z-9f2c0003');
  store.objects.set(forged, store.objects.get(pointKey(RUN_ID)) ?? new Uint8Array());
  const reported: string[] = [];
  const found = [];
  for await (const each of listAttestations({
    vault: mover,
    pointId: RUN_ID,
    signal: NEVER,
    onInvalid: (key) => reported.push(key),
  }))
    found.push(each);
  expect(found.map(({ verdict }) => verdict)).toEqual(['failed']);
  expect(reported).toEqual([forged]);
  store.objects.set(tombstoneKey(RUN_ID), store.objects.get(pointKey(RUN_ID)) ?? new Uint8Array());
  for await (const point of listPoints({ vault: mover, signal: NEVER }))
    expect(point).toMatchObject({ state: 'committed', expired: null });
});

test('the control worker cannot read blocks or evidence', async () => {
  const { mover, control } = await openBoth();
  await backUp(mover, volumes());
  const bytes = new TextEncoder().encode('console');
  const ref = await writeEvidence({
    vault: mover,
    runId: RUN_ID,
    name: 'console.txt',
    contentType: 'text/plain',
    bytes,
    signal: NEVER,
  });
  expect(new TextDecoder().decode((await readEvidence({ vault: mover, ref, signal: NEVER })).bytes)).toBe('console');
  expect(await code(readEvidence({ vault: control, ref, signal: NEVER }))).toBe('KeyUnusable');
  const volume = await openVolume({ vault: control, pointId: RUN_ID, volumeId: 'vol-1', signal: NEVER });
  expect(await code(volume.source.readAt(3 * 524_288, 1, NEVER))).toBe('KeyUnusable');
});

test('evidence is written once: the first under a name stands', async () => {
  const { mover } = await openBoth();
  const write = (content: string) =>
    writeEvidence({
      vault: mover,
      runId: RUN_ID,
      name: 'a.txt',
      contentType: 'text/plain',
      bytes: Buffer.from(content),
      signal: NEVER,
    });
  const first = await write('first');
  expect(await write('second')).toEqual(first);
});

test('something at the key of a point that is neither commit nor fence is reported and ends the run', async () => {
  const { store, mover } = await openBoth();
  await beginRun({ vault: mover, session: testSession(volumes()), signal: NEVER });
  const draft = await archiveAll(mover, volumes());
  store.objects.set(pointKey(RUN_ID), new TextEncoder().encode('{"outcome":"committed"}'));
  expect(await code(commitPoint({ vault: mover, draft, signal: NEVER }))).toBe('RunAbandoned');
  const states = [];
  for await (const point of listPoints({ vault: mover, signal: NEVER })) states.push(point.state);
  expect(states).toEqual(['invalid']);
});

test.each([
  {
    what: 'one bit of a pack flipped',
    part: '/packs/',
    change: (b: Uint8Array) => b.fill((b[30] ?? 0) ^ 1, 30, 31),
    says: /\.pack: block 3 at offset 8: does not open/,
  },
  {
    what: 'a pack cut short',
    part: '/packs/',
    change: (b: Uint8Array) => b.subarray(0, 50),
    says: /\.pack gave 42 of \d+ bytes/,
  },
  { what: 'a pack missing', part: '/packs/', change: () => undefined, says: /packs\/[0-9a-f]+\.pack does not exist/ },
  {
    what: 'a segment missing',
    part: '/segments/',
    change: () => undefined,
    says: /segments\/[0-9a-f]+\.seg does not exist/,
  },
  {
    what: 'a bit of a segment flipped',
    part: '/segments/',
    change: (b: Uint8Array) => b.fill(9, 60, 61),
    says: /\.seg in memory:\/\/\/vault holds .* the object was changed or damaged/,
  },
  { what: 'a map missing', part: '/maps/', change: () => undefined, says: /maps\/vol-1-[0-9a-f]+\.map does not exist/ },
  {
    what: 'a manifest cut short',
    part: 'points/',
    change: (b: Uint8Array) => b.subarray(0, 900),
    says: /points\/.*\.json: does not end with a mac/,
  },
])('$what is named when the volume is read', async ({ part, change, says }) => {
  const { store, mover } = await openBoth();
  await backUp(mover, volumes());
  const key = [...store.objects.keys()].find((each) => each.includes(part)) ?? '';
  const changed = change(store.objects.get(key) ?? new Uint8Array());
  if (changed) store.objects.set(key, changed);
  else store.objects.delete(key);
  const read = async () => {
    const volume = await openVolume({ vault: mover, pointId: RUN_ID, volumeId: 'vol-1', signal: NEVER });
    for await (const block of volume.blocks({ from: 0, to: 20 }, NEVER)) expect(block.bytes.length).toBe(524_288);
  };
  await expect(read()).rejects.toThrow(says);
  await expect(read()).rejects.toSatisfy((error) => error instanceof VaultError || error instanceof FormatError);
});

test('a point whose pack has gone is not committed', async () => {
  const { store, mover } = await openBoth();
  await beginRun({ vault: mover, session: testSession(volumes()), signal: NEVER });
  const draft = await archiveAll(mover, volumes());
  store.objects.delete([...store.objects.keys()].find((key) => key.endsWith('.pack')) ?? '');
  await expect(commitPoint({ vault: mover, draft, signal: NEVER })).rejects.toThrow(
    /\.pack does not exist .* cannot be committed/,
  );
});

test('nothing is archived before the run has begun', async () => {
  const { mover } = await openBoth();
  const source = volumes()['vol-1'];
  const shard = archiveShard({
    vault: mover,
    runId: RUN_ID,
    volumeId: 'vol-1',
    shard: 0,
    shardSegments: 1,
    source,
    signal: NEVER,
  });
  await expect(shard).rejects.toThrow(/session\.json does not exist .* a run must begin/);
});

test('a source that fails ends the shard with its error, and the vault goes on working', async () => {
  const { mover } = await openBoth();
  const good = testVolume(40, new Map(Array.from({ length: 40 }, (_, i) => [i, noise(i)])));
  const bad = {
    ...good,
    read: async (ref: { index: number; token: string }, signal: AbortSignal) =>
      ref.index === 20 ? Promise.reject(new Error('lost block')) : good.read(ref, signal),
  };
  await beginRun({ vault: mover, session: testSession({ 'vol-1': good }), signal: NEVER });
  const request = { vault: mover, runId: RUN_ID, volumeId: 'vol-1', shard: 0, shardSegments: 1, signal: NEVER };
  // More failures than there are buffers: none may be lost.
  for (let i = 0; i < 10; i++) await expect(archiveShard({ ...request, source: bad })).rejects.toThrow('lost block');
  expect((await archiveShard({ ...request, source: good })).storedBlocks).toBe(40);
});

test('a change set is read as it was written; a different second one is refused', async () => {
  const { mover } = await openBoth();
  await beginRun({ vault: mover, session: testSession(volumes()), signal: NEVER });
  const write = (changed: number[]) =>
    writeChangeSet({
      vault: mover,
      runId: RUN_ID,
      volumeId: 'vol-1',
      volumeBytes: 20 * 524_288,
      indexes: (async function* () {
        yield* changed;
      })(),
      signal: NEVER,
    });
  const first = await write([1, 19]);
  expect(first.changedBlocks).toBe(2);
  expect(await write([1, 19])).toEqual(first);
  expect(await code(write([2]))).toBe('ObjectExists');
});

test('where there is no vault, opening says so and what to do', async () => {
  const request = {
    store: memoryStore(),
    keys: await testKeys(),
    roles: MOVER,
    clock: fixedClock,
    randomBytes: seededBytes('x'),
    signal: NEVER,
  };
  await expect(openVault(request)).rejects.toThrow(/there is no vault at memory:\/\/\/vault: .* 'understudy init'/);
});

test('a swapped control key in vault.json is noticed', async () => {
  const { store, keys } = await openBoth();
  const swapped = new TextDecoder()
    .decode(store.objects.get('vault.json'))
    .replace(/"controlPublicKey": "../, '"controlPublicKey": "00');
  store.objects.set('vault.json', new TextEncoder().encode(swapped));
  const open = openVault({
    store,
    keys,
    roles: MOVER,
    clock: fixedClock,
    randomBytes: seededBytes('x'),
    signal: NEVER,
  });
  await expect(open).rejects.toThrow(FormatError);
});

const attestation = (verdict: Attestation['verdict']) => testAttestation(RUN_ID, VERIFY_RUN_ID, verdict);

test('the latest attestation of a point is the one whose run began last', async () => {
  const { control } = await openBoth();
  await attest({
    vault: control,
    attestation: { ...attestation('passed'), runId: '20261124T000000Z-00000001' },
    signal: NEVER,
  });
  await attest({ vault: control, attestation: attestation('failed'), signal: NEVER });
  expect((await standingAttestation({ vault: control, pointId: RUN_ID, signal: NEVER }))?.verdict).toBe('passed');
});

test('a list of points reads several at once, not all of them, and keeps their order', async () => {
  const ids = Array.from({ length: 12 }, (_, n) => `20261123T0200${String(n).padStart(2, '0')}Z-9f2c0001`);
  let under = 0;
  let most = 0;
  const store = memoryStore(undefined, {
    async before({ name, key }) {
      if (name !== 'get' || !key.startsWith('points/')) return;
      most = Math.max(most, ++under);
      // The earlier, the slower.
      for (let turn = 0; turn < 100 - 4 * ids.findIndex((id) => key.includes(id)); turn++) await Promise.resolve();
      under--;
    },
  });
  const mover = await testVault({ store, keys: await testKeys() });
  for (const runId of ids) await backUp(mover, volumes(), { runId });
  most = 0;
  const listed: string[] = [];
  for await (const { pointId } of listPoints({ vault: mover, signal: NEVER })) listed.push(pointId);
  expect(listed).toEqual(ids);
  expect(most).toBe(8);
});
