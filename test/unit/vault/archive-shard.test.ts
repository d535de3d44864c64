import { afterEach, expect, test, vi } from 'vitest';
import { type ArchiveProgress, archiveShard, beginRun } from '../../../src/vault/index.ts';
import { NEVER, RUN_ID, testKeys, testSession, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { noise, testVolume } from '../../support/vault-volume.ts';

afterEach(() => vi.useRealTimers());

test('a shard that waits its turn says so every minute, so that nobody takes it for stuck', async () => {
  // Prepare: two shards whose reads never end hold both turns
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  const volume = testVolume(4, new Map([[0, noise(0)]]));
  await beginRun({ vault, session: testSession({ 'vol-1': volume, 'vol-2': volume, 'vol-3': volume }), signal: NEVER });
  const stop = new AbortController();
  const stuck = {
    ...volume,
    read: () => new Promise<never>((_, reject) => stop.signal.addEventListener('abort', reject)),
  };
  const archive = (volumeId: string, onProgress: (progress: ArchiveProgress) => void) =>
    archiveShard({
      vault,
      runId: RUN_ID,
      volumeId,
      shard: 0,
      shardSegments: 1,
      source: stuck,
      signal: stop.signal,
      onProgress,
    }).catch(() => undefined);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const ignore = () => undefined;
  const holders = [archive('vol-1', ignore), archive('vol-2', ignore)];
  const words: ArchiveProgress[] = [];
  // Act
  const waiting = archive('vol-3', (progress) => words.push(progress));
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1), { timeout: 10_000 });
  vi.advanceTimersByTime(180_000);
  // Assess
  expect(words).toHaveLength(3);
  stop.abort(new Error('over'));
  await Promise.all([...holders, waiting]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a shard that was finished is found by its record: whoever comes again reads nothing', async () => {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  const volume = testVolume(4, new Map([[0, noise(0)]]));
  await beginRun({ vault, session: testSession({ 'vol-1': volume }), signal: NEVER });
  const shard = { vault, runId: RUN_ID, volumeId: 'vol-1', shard: 0, shardSegments: 1, signal: NEVER };
  const first = await archiveShard({ ...shard, source: volume });
  const mustNotRead = () => Promise.reject(new Error('a finished shard was read again'));
  const again = await archiveShard({ ...shard, source: { ...volume, read: mustNotRead } });
  expect(again).toEqual(first);
});
