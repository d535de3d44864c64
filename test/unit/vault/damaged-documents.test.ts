import { describe, expect, test, vi } from 'vitest';
import { VaultError } from '../../../src/errors.ts';
import { checkCatalogLine } from '../../../src/vault/catalog-lines.ts';
import { expirePoints } from '../../../src/vault/expiry/expire-points.ts';
import {
  attest,
  holdPoint,
  isHeld,
  judgeVault,
  listKeys,
  listPoints,
  openVault,
  readMeasurements,
  releasePoint,
  rotateKeys,
  verifyVault,
} from '../../../src/vault/index.ts';
import {
  attestationKey,
  catalogKey,
  holdKey,
  keysKey,
  measurementKey,
  pointKey,
  sessionKey,
  tombstoneKey,
} from '../../../src/vault/object-keys.ts';
import { type CollectedVault, collectedVault, judgements, P0, P1, P2 } from '../../support/collection.ts';
import { sharedThreads } from '../../support/shared-threads.ts';
import { testAttestation } from '../../support/vault-attestation.ts';
import { CONTROL, fixedClock, NEVER } from '../../support/vault-fixture.ts';
import { seededBytes } from '../../support/vault-random.ts';

vi.setConfig({ testTimeout: 60_000 });

const CHECK = '20261123T120000Z-000000cc';
const HOLD = '20261123T130000Z-000000dd';
const MACHINE = 'i-0123456789abcdef0';

/** A store with checksums, as S3 has: it says itself what it finds damaged. */
async function checkedVault(): Promise<CollectedVault & { readonly damaged: Set<string> }> {
  const damaged = new Set<string>();
  const before = ({ name, key }: { name: string; key: string }) => {
    if (name !== 'get' || !damaged.has(key)) return;
    throw new VaultError('ObjectDamaged', `${key} holds 1 byte with SHA-256 0, must be 1`, { context: { key } });
  };
  return { ...(await collectedVault({ before })), damaged };
}

const statesOf = async ({ control }: CollectedVault, onInvalid = (_key: string) => {}) => {
  const states = [];
  for await (const { pointId, state } of listPoints({ vault: control, signal: NEVER, onInvalid })) {
    states.push([pointId, state]);
  }
  return states;
};
const findingsOf = async ({ control }: CollectedVault) => {
  const found: string[] = [];
  const onFinding = ({ severity, object }: { severity: string; object: string }) => found.push(`${severity} ${object}`);
  await verifyVault({ vault: control, level: 'structure', onFinding, signal: NEVER });
  return found;
};
const judge = async ({ control: vault }: CollectedVault, rules = {}) => {
  const policy = { plans: {}, vault: { last: 1, timezone: 'UTC', ...rules } };
  return (await judgeVault({ vault, policy, signal: NEVER })).map(({ pointId, decision, reasons }) => [
    pointId,
    decision,
    ...reasons.map(({ rule }) => rule),
  ]);
};
const mark = ({ control }: CollectedVault, pointId: string, verdict: 'passed' | 'failed') =>
  attest({ vault: control, attestation: testAttestation(pointId, CHECK, verdict), signal: NEVER });
const hold = ({ control }: CollectedVault, pointId: string) =>
  holdPoint({ vault: control, pointId, holdId: HOLD, reason: 'court', signal: NEVER });

describe('one damaged document in a store with checksums', () => {
  test('is one point that cannot be read: the others are listed, verified and collected', async () => {
    const vault = await checkedVault();
    for (const pointId of [P0, P1, P2]) await vault.back(pointId);
    await vault.expire(P0);
    vault.damaged.add(pointKey(P1));
    expect(await statesOf(vault)).toEqual([
      [P0, 'committed'],
      [P1, 'invalid'],
      [P2, 'committed'],
    ]);
    expect(await findingsOf(vault)).toEqual([`damage ${pointKey(P1)}`]);
    const survey = await vault.survey();
    expect(survey.live.unreadable.map(({ pointId }) => pointId)).toEqual([P1]);
    expect(judgements(survey).filter((line) => line.endsWith('1') && line.startsWith('delete'))).toEqual([]);
  });

  test('is one notice where nothing depends on it: tombstone, attestation, catalog line, measurement', async () => {
    const vault = await checkedVault();
    const { capture } = await vault.back(P0);
    await vault.expire(P0);
    await vault.back(P1);
    await mark(vault, P1, 'passed');
    const line = catalogKey(MACHINE, capture.capturedAt, P1);
    for (const key of [tombstoneKey(P0), attestationKey(P1, CHECK), line]) vault.damaged.add(key);
    const found = await findingsOf(vault);
    expect(new Set(found)).toEqual(
      new Set([tombstoneKey(P0), attestationKey(P1, CHECK), line].map((key) => `notice ${key}`)),
    );
    const told: string[] = [];
    await statesOf(vault, (key) => told.push(key));
    expect(told).toEqual([tombstoneKey(P0)]);
    const measurement = measurementKey(MACHINE, P2);
    vault.store.objects.set(measurement, new Uint8Array([1]));
    vault.damaged.add(measurement);
    expect(await readMeasurements({ vault: vault.control, limit: 9, signal: NEVER })).toEqual([]);
  });

  test('ends the chain of keys there: reading goes on under the epochs before, as its owner is told', async () => {
    const vault = await checkedVault();
    await vault.back(P0);
    const openRecipient = () => undefined;
    await rotateKeys({ vault: vault.control, service: vault.service, openRecipient, signal: NEVER });
    vault.damaged.add(keysKey(2));
    const { store, service: keys } = vault;
    const told: string[] = [];
    const onInvalid = (key: string) => told.push(key);
    expect((await listKeys({ store, signal: NEVER, onInvalid })).epochs).toHaveLength(1);
    const opened = { roles: CONTROL, clock: fixedClock, randomBytes: seededBytes('x'), threads: sharedThreads() };
    const control = await openVault({ store, keys, ...opened, signal: NEVER, onInvalid });
    expect(told).toEqual([keysKey(2), keysKey(2)]);
    expect(await statesOf({ ...vault, control })).toEqual([[P0, 'committed']]);
  });

  test('is a run that can never commit where it is a session', async () => {
    const vault = await checkedVault();
    await vault.begin(P0);
    vault.damaged.add(sessionKey(P0));
    expect((await vault.survey()).fenced.map(({ runId }) => runId)).toEqual([P0]);
  });
});

describe('damage never lets more be deleted than the whole document would', () => {
  test('a point with a damaged tombstone stays and takes no slot of a good one', async () => {
    const vault = await checkedVault();
    await vault.back(P0);
    await vault.back(P1);
    await vault.expire(P1);
    expect(await judge(vault)).toEqual([[P0, 'keep', 'newest', 'last']]);
    vault.damaged.add(tombstoneKey(P1));
    expect(await judge(vault)).toEqual([
      [P1, 'keep', 'doubt'],
      [P0, 'keep', 'newest', 'last'],
    ]);
  });

  test.each(['passed', 'failed'] as const)(
    'a point whose attestation (%s) is damaged stays and takes no slot',
    async (verdict) => {
      const vault = await checkedVault();
      for (const pointId of [P0, P1, P2]) await vault.back(pointId);
      await mark(vault, P1, verdict);
      vault.damaged.add(attestationKey(P1, CHECK));
      expect(await judge(vault)).toEqual([
        [P2, 'keep', 'newest', 'last'],
        [P1, 'keep', 'doubt'],
        [P0, 'expire'],
      ]);
    },
  );

  test('a damaged hold keeps its point from expiry and its bytes from collection until it is released', async () => {
    const vault = await checkedVault();
    await vault.back(P0);
    await vault.back(P1);
    await hold(vault, P0);
    vault.damaged.add(holdKey(P0, HOLD));
    expect(await findingsOf(vault)).toEqual([`notice ${holdKey(P0, HOLD)}`]);
    const { control } = vault;
    const policy = { plans: {}, vault: { last: 1, timezone: 'UTC' } };
    await expirePoints({ vault: control, policy, signal: NEVER });
    expect(vault.keys('tombstones/')).toEqual([]);
    await vault.expire(P0);
    expect((await vault.survey()).live.points.get(P0)).toBe('held');
    await releasePoint({ vault: control, pointId: P0, reason: 'over', signal: NEVER });
    expect(await isHeld({ vault: control, pointId: P0, signal: NEVER })).toBe(false);
    expect((await vault.survey()).live.points.has(P0)).toBe(false);
  });

  test('an expired point whose own object is damaged keeps its bytes while a hold or a run under way wants them', async () => {
    for (const want of ['hold', 'run'] as const) {
      const vault = await checkedVault();
      await vault.back(P0);
      if (want === 'hold') await hold(vault, P0);
      else await vault.begin(P2, [P0]);
      await vault.expire(P0);
      vault.damaged.add(pointKey(P0));
      const lines = judgements(await vault.survey());
      expect(
        lines.filter((line) => line.startsWith('delete')),
        want,
      ).toEqual([]);
    }
  });

  test('an expired point whose own object is damaged keeps its bytes while its lock has not run out', async () => {
    const vault = await collectedVault({ kind: 'locking', lock: { mode: 'governance', days: 10 } });
    await vault.back(P0);
    await vault.expire(P0);
    vault.store.objects.set(pointKey(P0), new Uint8Array([1]));
    const deleted = async () => judgements(await vault.survey()).filter((line) => line.startsWith('delete'));
    expect(await deleted()).toEqual([]);
    vault.pass(60);
    expect(await deleted()).not.toEqual([]);
  });
});

test('a catalog line is wrong, not the end of a rebuild', async () => {
  const vault = await checkedVault();
  const manifest = await vault.back(P0);
  vault.damaged.add(catalogKey(MACHINE, manifest.capture.capturedAt, P0));
  expect(await checkCatalogLine(vault.control, manifest, NEVER)).toMatchObject({ state: 'wrong' });
});
