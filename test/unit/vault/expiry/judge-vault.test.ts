import { expect, test, vi } from 'vitest';
import type { Attestation } from '../../../../src/vault/attestation.ts';
import { readRetainedPoints } from '../../../../src/vault/expiry/judge-vault.ts';
import { attest, recordRunFacts } from '../../../../src/vault/index.ts';
import { P0, P1, P2 } from '../../../support/collection.ts';
import { testAttestation } from '../../../support/vault-attestation.ts';
import { backUp, CONTROL, NEVER, testKeys, testVault } from '../../../support/vault-fixture.ts';
import { memoryStore } from '../../../support/vault-memory-store.ts';
import { testVolume, text } from '../../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const CHECK = '20261124T000000Z-000000cc';
const volumes = { 'vol-1': testVolume(1, new Map([[0, text('a')]])) };

test('a point of agents’ output alone is judged as one', async () => {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  await backUp(vault, volumes, { runId: P0 });
  await backUp(vault, volumes, { runId: P1, outputOnly: true });
  const [[, points] = []] = await readRetainedPoints({ vault, signal: NEVER });
  expect(points?.map(({ withoutDisks }) => withoutDisks)).toEqual([false, true]);
});

test('a point counts as verified when it was looked at as deeply as was asked for, a launch where nobody asked', async () => {
  const store = memoryStore();
  const keys = await testKeys();
  const mover = await testVault({ store, keys });
  const control = await testVault({ store, keys, roles: CONTROL, seed: 'control' });
  const mark = (pointId: string, more: Partial<Attestation>) =>
    attest({ vault: control, attestation: { ...testAttestation(pointId, CHECK, 'passed'), ...more }, signal: NEVER });
  await backUp(mover, volumes, { runId: P0 });
  await backUp(mover, volumes, { runId: P1, facts: recordRunFacts({ verify: 'sample', pointsByHints: 0 }) });
  await backUp(mover, volumes, { runId: P2 });
  await mark(P0, { level: 'full' });
  await mark(P1, { level: 'sample' });
  await mark(P2, { verdict: 'failed' });
  const [[, points] = []] = await readRetainedPoints({ vault: control, signal: NEVER });
  expect(points?.map(({ pointId, verdict }) => [pointId, verdict])).toEqual([
    [P0, null],
    [P1, 'passed'],
    [P2, 'failed'],
  ]);
});
