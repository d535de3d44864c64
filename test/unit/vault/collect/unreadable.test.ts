import { describe, expect, test, vi } from 'vitest';
import { VaultError } from '../../../../src/errors.ts';
import { sha256Hex } from '../../../../src/vault/bytes.ts';
import { planCollection } from '../../../../src/vault/collect/plan-collection.ts';
import { sealDocument } from '../../../../src/vault/documents.ts';
import type { Manifest } from '../../../../src/vault/manifest.ts';
import { mapKey, pointKey, sessionKey, tombstoneKey, VAULT_KEY } from '../../../../src/vault/object-keys.ts';
import { COMMIT } from '../../../../src/vault/points.ts';
import { VaultDocument } from '../../../../src/vault/vault-document.ts';
import {
  bytes,
  type CollectedVault,
  code,
  collectedVault,
  dead,
  GC,
  judgements,
  P0,
  P1,
  P2,
  verify,
} from '../../../support/collection.ts';
import { NEVER } from '../../../support/vault-fixture.ts';

vi.setConfig({ testTimeout: 120_000 });

describe('what cannot be read', () => {
  async function family(): Promise<CollectedVault & { readonly child: Manifest }> {
    const vault = await collectedVault();
    const parent = await vault.back(P0);
    const child = await vault.back(P1, { parent });
    await vault.expire(P0);
    return { ...vault, child };
  }
  const mapOf = ({ volumes: [volume] }: Manifest) =>
    volume ? mapKey(volume.map.runId, volume.volumeId, volume.map.mapId) : '';

  test.each(['missing', 'damaged', 'foreign'])(
    'a %s map of a live point protects its run and its ancestors, nothing else',
    async (how) => {
      const vault = await family();
      const key = mapOf(vault.child);
      if (how === 'missing') vault.store.objects.delete(key);
      else if (how === 'damaged') vault.store.objects.set(key, bytes('?'));
      else
        vault.store.objects.set(
          key,
          vault.store.objects.get(mapOf(vault.child))?.map((b, i) => (i > 40 ? b ^ 1 : b)) ?? bytes(''),
        );
      await vault.begin(P2);
      const survey = await vault.survey(dead);
      expect(survey.live.protection).toEqual({
        kind: 'runs',
        runs: new Map([
          [P1, P1],
          [P0, P1],
        ]),
      });
      const lines = judgements(survey);
      expect(lines.filter((line) => line.startsWith('delete'))).toEqual(['delete abandoned session 2']);
      expect(lines).toContain('keep unreadable pack 0');
      expect(survey.invalid.map((one) => one.key)).toContain(key);
      const plan = await planCollection({ vault: vault.control, gcId: GC, survey, toolVersion: 't', signal: NEVER });
      expect([plan.protects, plan.points.unreadable]).toEqual(['runs', 1]);
    },
  );

  test('a map that is whole but none of ours is as unreadable as a damaged one', async () => {
    const vault = await family();
    const junk = bytes('not sealed by this vault');
    const [volume] = vault.child.volumes;
    if (!volume) throw new Error('no volume');
    const map = { ...volume.map, mapId: sha256Hex(junk), mapBytes: junk.length };
    vault.store.objects.set(mapKey(P1, volume.volumeId, map.mapId), junk);
    const manifest = { ...vault.child, volumes: [{ ...volume, map }] };
    const place = { vault: vault.mover, key: pointKey(P1) };
    vault.store.objects.set(pointKey(P1), sealDocument(COMMIT, manifest, place));
    expect((await vault.survey()).live.unreadable.map(({ pointId }) => pointId)).toEqual([P1]);
  });

  test('of a point whose session is gone the manifest says what its parents are', async () => {
    const vault = await family();
    vault.store.objects.delete(mapOf(vault.child));
    vault.store.objects.delete(sessionKey(P1));
    expect((await vault.survey()).live.protection).toMatchObject({
      runs: new Map([
        [P1, P1],
        [P0, P1],
      ]),
    });
  });

  test('a damaged commit counts as a point that could name whatever its session allows', async () => {
    const vault = await family();
    vault.store.objects.set(pointKey(P1), bytes('rotten'));
    const survey = await vault.survey();
    expect(survey.live.protection).toEqual({
      kind: 'runs',
      runs: new Map([
        [P1, P1],
        [P0, P1],
      ]),
    });
    expect(judgements(survey).some((line) => line.startsWith('delete'))).toBe(false);
    // The control key's word stands above: an expired one is over, readable or not.
    await vault.expire(P1);
    expect(judgements(await vault.survey()).every((line) => line.startsWith('delete expired'))).toBe(true);
  });

  test.each(['missing', 'damaged'])(
    'a damaged commit with a %s session protects everything but abandoned runs',
    async (how) => {
      const vault = await family();
      vault.store.objects.set(pointKey(P1), bytes('rotten'));
      if (how === 'missing') vault.store.objects.delete(sessionKey(P1));
      else vault.store.objects.set(sessionKey(P1), bytes('rotten'));
      await vault.begin(P2);
      const survey = await vault.survey(dead);
      expect(survey.live.protection).toEqual({ kind: 'everything', because: P1 });
      expect(judgements(survey).filter((line) => line.startsWith('delete'))).toEqual(['delete abandoned session 2']);
      const plan = await planCollection({ vault: vault.control, gcId: GC, survey, toolVersion: 't', signal: NEVER });
      expect(plan.protects).toBe('everything');
    },
  );

  test('an object at points/ of which no run is there protects nothing and is reported', async () => {
    const vault = await family();
    vault.store.objects.set(pointKey(P2), bytes('junk'));
    vault.store.objects.set('points/not-a-run.json', bytes('junk'));
    const survey = await vault.survey();
    expect(survey.invalid.map((one) => one.key)).toEqual([pointKey(P2)]);
    expect(judgements(survey)).toContain('delete expired map 0');
  });

  test('a tombstone that the control key did not sign ends nothing and is reported', async () => {
    const vault = await collectedVault();
    await vault.back(P0);
    vault.store.objects.set(tombstoneKey(P0), bytes('forged'));
    vault.store.objects.set('tombstones/README.json', bytes('hello'));
    const survey = await vault.survey();
    expect([survey.expired.size, [...survey.live.points]]).toEqual([0, [[P0, 'committed']]]);
    expect(survey.invalid.map((one) => one.key)).toEqual([tombstoneKey(P0)]);
    expect(await code(vault.expire(P0))).toBe('ObjectExists');
  });

  test('a run whose session cannot be read can never commit, so it is fenced', async () => {
    const vault = await collectedVault();
    vault.store.objects.set(sessionKey(P0), bytes('junk'));
    const survey = await vault.survey();
    expect(survey.fenced.map(({ runId }) => runId)).toEqual([P0]);
    expect(survey.invalid.map((one) => one.key)).toEqual([sessionKey(P0)]);
  });

  test('a store that does not answer ends the survey: who cannot look does not collect', async () => {
    for (const [name, part] of [
      ['get', '.map'],
      ['get', 'session.json'],
      ['get', 'attestations/'],
    ] as const) {
      let armed = false;
      const before = (call: { name: string; key: string }) => {
        if (armed && call.name === name && call.key.includes(part)) throw new VaultError('VaultUnreachable', 'gone');
      };
      const vault = await collectedVault({ before });
      await vault.back(P0);
      await vault.begin(P1);
      await verify(vault, P0);
      if (part === 'attestations/') await vault.expire(P0);
      armed = true;
      expect(await code(vault.survey()), part).toBe('VaultUnreachable');
    }
    // The session of an unreadable point, too.
    let armed = false;
    const vault = await collectedVault({
      before: ({ name, key }) => {
        if (armed && name === 'get' && key === sessionKey(P0)) throw new VaultError('VaultUnreachable', 'gone');
      },
    });
    await vault.back(P0);
    vault.store.objects.set(pointKey(P0), bytes('rotten'));
    armed = true;
    expect(await code(vault.survey())).toBe('VaultUnreachable');
  });
});

describe('a later version', () => {
  test('may say in vault.json that this one must not delete', async () => {
    const vault = await collectedVault();
    const old = JSON.parse(new TextDecoder().decode(vault.store.objects.get(VAULT_KEY))) as { body: VaultDocument };
    const features = { read: [], write: [], delete: ['tiers'] };
    const kind = { type: 'vault', schema: VaultDocument } as const;
    const sealed = sealDocument(kind, { ...old.body, features }, { vault: vault.control, key: VAULT_KEY, epoch: 1 });
    vault.store.objects.set(VAULT_KEY, sealed);
    expect(await code(vault.survey())).toBe('VaultIncompatible');
  });

  test('may say so in a manifest: then its point and its ancestors are left alone', async () => {
    const vault = await collectedVault();
    const manifest = await vault.back(P0);
    const features = { read: [], write: [], delete: ['tiers'] };
    const place = { vault: vault.mover, key: pointKey(P0) };
    vault.store.objects.set(pointKey(P0), sealDocument(COMMIT, { ...manifest, features }, place));
    vault.store.objects.set(`runs/${P0}/packs/${'b'.repeat(64)}.pack`, bytes('lost'));
    const survey = await vault.survey();
    expect(survey.invalid[0]?.reason).toMatch(/tiers/);
    expect(judgements(survey)).toContain('keep unreadable pack 0');
  });
});
