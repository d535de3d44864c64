import { expect, test } from 'vitest';
import { createPhotographActivities, type PhotographDeps } from '../../../src/activities/photograph.ts';
import type { EvidenceRef } from '../../../src/contract/evidence.ts';
import { PlatformError } from '../../../src/errors.ts';
import { beginRun } from '../../../src/vault/index.ts';
import { activityEnvironment } from '../../support/activity.ts';
import { ownMachine } from '../../support/fake-activities.ts';
import { TEST_RUN } from '../../support/test-run.ts';
import { NEVER, RUN_ID, testKeys, testSession, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { testVolume } from '../../support/vault-volume.ts';

const DENIED = new PlatformError('AccessDenied', 'GetConsoleScreenshot i-2: UnauthorizedOperation: no');

/** Photographs a machine that shows one thing per look, and is off when there is no more. */
async function photograph(looks: readonly (string | PlatformError)[]) {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  await beginRun({ vault, session: testSession({ 'vol-1': testVolume(1, new Map()) }), signal: NEVER });
  const left = [...looks];
  const deps = {
    now: () => 0,
    vaults: { names: ['main'], open: async () => vault },
    platform: {
      async screenshot() {
        const seen = left.shift();
        if (seen instanceof PlatformError) throw seen;
        if (seen === undefined) return { observation: { state: 'stopped' } };
        return { observation: { state: 'running' }, bytes: new TextEncoder().encode(seen) };
      },
    },
  } as unknown as PhotographDeps;
  const request = {
    run: { ...TEST_RUN, runId: RUN_ID },
    vault: 'main',
    machine: ownMachine('clone', 1),
    since: 0,
  } as const;
  const refs: readonly EvidenceRef[] = await activityEnvironment().run(
    createPhotographActivities(deps).photograph,
    request,
  );
  return refs.map(({ name, contentType, bytes }) => [name, contentType, bytes]);
}

test('a screenshot that may not be taken ends no backup; its evidence says so', async () => {
  const text = `not taken: ${DENIED.message}\n`;
  expect(await photograph([DENIED, 'never looked at'])).toEqual([
    ['clone-1-screenshot.txt', 'text/plain', text.length],
  ]);
});

test('anything else that goes wrong is for another attempt', async () => {
  await expect(photograph([new PlatformError('PlatformUnreachable', 'x')])).rejects.toMatchObject({
    code: 'PlatformUnreachable',
  });
});
