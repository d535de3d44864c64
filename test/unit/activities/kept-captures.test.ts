import { expect, test, vi } from 'vitest';
import { findKeptCaptures } from '../../../src/activities/kept-captures.ts';
import { recordRunFacts, type Vault } from '../../../src/vault/index.ts';
import { backUp, NEVER, testKeys, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { testVolume, text } from '../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const OLDER = '20261122T020000Z-00000001';
const NEWER = '20261123T020000Z-00000002';

const BEAT = { signal: NEVER, progress: () => undefined };

async function vaultWithTwoPoints(): Promise<Vault> {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  for (const runId of [OLDER, NEWER]) {
    await backUp(vault, { 'vol-1': testVolume(8, new Map([[0, text(runId)]])) }, { runId });
  }
  return vault;
}

async function kept(vault: Vault, captured: readonly string[]): Promise<readonly string[]> {
  const vaults = { names: ['main'], open: async () => vault };
  const keeper = await findKeptCaptures({ vaults, captured: new Set(captured), beat: BEAT });
  return captured.filter((runId) => keeper?.keeps(runId));
}

test.each([
  { captured: [OLDER, NEWER], keeps: [NEWER], why: 'the newest point' },
  { captured: [OLDER], keeps: [OLDER], why: 'the newest that still has its capture: a cancelled run removed its own' },
  { captured: ['20261124T020000Z-00000003'], keeps: [], why: 'none of a run without a point' },
])('of captures of one source, that of $why stays ($captured)', async ({ captured, keeps }) => {
  expect(await kept(await vaultWithTwoPoints(), captured)).toEqual(keeps);
});

test('the capture of a point that was to be verified and is not gives way to that of the one before', async () => {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  const volumes = { 'vol-1': testVolume(8, new Map([[0, text('a')]])) };
  await backUp(vault, volumes, { runId: OLDER });
  await backUp(vault, volumes, { runId: NEWER, facts: recordRunFacts({ verify: 'launch', pointsByHints: 0 }) });
  expect(await kept(vault, [OLDER, NEWER])).toEqual([OLDER]);
});

test('a point of agents’ output alone keeps no capture, and leaves that of the point before', async () => {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  const volumes = { 'vol-1': testVolume(8, new Map([[0, text('a')]])) };
  await backUp(vault, volumes, { runId: OLDER });
  await backUp(vault, volumes, { runId: NEWER, outputOnly: true });
  expect(await kept(vault, [OLDER, NEWER])).toEqual([OLDER]);
});

test('while a vault cannot be read nothing is known of captures', async () => {
  const vaults = { names: ['main'], open: () => Promise.reject(new Error('unreachable')) };
  expect(await findKeptCaptures({ vaults, captured: new Set([NEWER]), beat: BEAT })).toBeUndefined();
});

test('of all points only those with a capture are read, with progress; a tag that names no run is not looked for', async () => {
  const vault = await vaultWithTwoPoints();
  const gets: string[] = [];
  const get: typeof vault.store.get = (key, ...rest) => {
    gets.push(key);
    return vault.store.get(key, ...rest);
  };
  const vaults = { names: ['main'], open: async () => ({ ...vault, store: { ...vault.store, get } }) };
  let looks = 0;
  const beat = { signal: NEVER, progress: () => void looks++ };
  const keeper = await findKeptCaptures({ vaults, captured: new Set([OLDER, '../manifest']), beat });
  expect([OLDER, '../manifest'].map((runId) => keeper?.keeps(runId))).toEqual([true, false]);
  expect(gets.filter((key) => key.startsWith('points/'))).toEqual([`points/${OLDER}.json`]);
  expect(looks).toBe(1);
});
