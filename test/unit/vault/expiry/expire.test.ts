import { expect, test, vi } from 'vitest';
import { RetentionRules } from '../../../../src/contract/retention.ts';
import { attest } from '../../../../src/vault/attest.ts';
import { sealDocument } from '../../../../src/vault/documents.ts';
import { expirePoint } from '../../../../src/vault/expiry/expire-point.ts';
import { expirePoints } from '../../../../src/vault/expiry/expire-points.ts';
import { HOLD } from '../../../../src/vault/holds.ts';
import { holdKey, tombstoneKey } from '../../../../src/vault/object-keys.ts';
import { findTombstone } from '../../../../src/vault/read-tombstone.ts';
import { type CollectedVault, collectedVault, P0, P1, P2 } from '../../../support/collection.ts';
import { testAttestation } from '../../../support/vault-attestation.ts';
import { NEVER, NOW, VERIFY_RUN_ID } from '../../../support/vault-fixture.ts';

vi.setConfig({ testTimeout: 120_000 });

const policy = { plans: {}, vault: RetentionRules.parse({ last: 1 }) };

function hold({ control, store }: CollectedVault, pointId: string): void {
  const key = holdKey(pointId, VERIFY_RUN_ID);
  const body = { pointId, holdId: VERIFY_RUN_ID, placedAt: NOW, reason: 'a court asks for it' };
  store.objects.set(key, sealDocument(HOLD, body, { vault: control, key }));
}

test('points that no rule keeps get a tombstone; the newest verified one and held ones do not', async () => {
  const vault = await collectedVault();
  const ids = [P0, P1, P2, '20261123T010000Z-00000003', '20261123T020000Z-00000004'];
  for (const pointId of ids) await vault.back(pointId);
  await attest({
    vault: vault.control,
    attestation: testAttestation(P0, VERIFY_RUN_ID, 'passed'),
    signal: NEVER,
  });
  hold(vault, P1);
  const expired: string[] = [];
  const judged = await expirePoints({
    vault: vault.control,
    policy,
    signal: NEVER,
    onExpired: ({ pointId }) => void expired.push(pointId),
  });
  expect(expired.sort()).toEqual([P2, ids[3]]);
  expect(
    judged
      .filter(({ decision }) => decision === 'keep')
      .map(({ pointId }) => pointId)
      .sort(),
  ).toEqual([P0, P1, ids[4]]);
  // Again: nothing more, and what has a tombstone is not judged.
  expect(await expirePoints({ vault: vault.control, policy, signal: NEVER })).toHaveLength(3);
  expect(vault.keys('tombstones/')).toHaveLength(2);
});

test('a hold that comes while points are judged still counts', async () => {
  const vault = await collectedVault();
  await vault.back(P0);
  await vault.back(P1);
  let held = false;
  const list: typeof vault.store.list = (prefix, signal) => {
    // The list of holds is read first; this one is put when the points are read.
    if (prefix === 'points/' && !held) {
      held = true;
      hold(vault, P0);
    }
    return vault.store.list(prefix, signal);
  };
  await expirePoints({ vault: { ...vault.control, store: { ...vault.store, list } }, policy, signal: NEVER });
  expect(vault.keys('tombstones/')).toEqual([]);
});

test('each point that is looked at is progress, also one that stays: a large vault takes minutes', async () => {
  const vault = await collectedVault();
  for (const pointId of [P0, P1, P2]) await vault.back(pointId);
  await vault.expire(P0);
  for (const pointId of [P1, P2]) hold(vault, pointId);
  let looks = 0;
  await expirePoints({ vault: vault.control, policy, signal: NEVER, onProgress: () => void looks++ });
  // Three were listed, two of them judged.
  expect(looks).toBe(5);
});

test('the first tombstone of a point stands', async () => {
  const vault = await collectedVault();
  await vault.back(P0);
  const request = { vault: vault.control, pointId: P0, signal: NEVER };
  const first = await expirePoint({ ...request, reason: 'one' });
  vault.pass(1);
  expect(await expirePoint({ ...request, reason: 'two' })).toEqual(first);
  expect(await findTombstone(vault.control, { pointId: P0, signal: NEVER })).toEqual(first);
  expect(await findTombstone(vault.control, { pointId: P1, signal: NEVER })).toBeUndefined();
  // Moved to another point it says nothing: the key is part of what is signed.
  vault.store.objects.set(tombstoneKey(P1), vault.store.objects.get(tombstoneKey(P0)) ?? new Uint8Array());
  expect(await findTombstone(vault.control, { pointId: P1, signal: NEVER })).toBeUndefined();
});
