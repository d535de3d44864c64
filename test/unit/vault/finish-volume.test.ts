import { expect, test, vi } from 'vitest';
import { archiveShard, beginRun, finishVolume, SEGMENT_BLOCKS } from '../../../src/vault/index.ts';
import { NEVER, RUN_ID, testKeys, testSession, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { testVolume, text } from '../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const SEGMENTS = 12;

test('the records and segments of a large volume are read eight at a time, and each is progress', async () => {
  // Prepare: a block in every other segment
  let under = 0;
  let most = 0;
  const store = memoryStore(undefined, {
    async before({ name }) {
      if (name !== 'get') return;
      most = Math.max(most, ++under);
      for (let turn = 0; turn < 100; turn++) await Promise.resolve();
      under--;
    },
  });
  const vault = await testVault({ store, keys: await testKeys() });
  const written = Array.from({ length: SEGMENTS / 2 }, (_, n) => [2 * n * SEGMENT_BLOCKS, text(`${n}`)] as const);
  const source = testVolume(SEGMENTS * SEGMENT_BLOCKS, new Map(written));
  await beginRun({ vault, session: testSession({ 'vol-1': source }), signal: NEVER });
  const volume = { vault, runId: RUN_ID, volumeId: 'vol-1', shardSegments: 1, signal: NEVER };
  for (let shard = 0; shard < SEGMENTS; shard++) await archiveShard({ ...volume, shard, source });
  const finish = { ...volume, volumeBytes: source.volumeBytes };
  const first = await finishVolume(finish);
  most = 0;
  let looks = 0;
  // Act: again, it must come to the same map whatever order the answers have
  const again = await finishVolume({ ...finish, onProgress: () => void looks++ });
  // Assess
  expect(again).toEqual(first);
  expect(most).toBe(8);
  expect(looks).toBe(2 * SEGMENTS);
});
