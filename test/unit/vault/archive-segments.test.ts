import { expect, test, vi } from 'vitest';
import { archiveShard, beginRun } from '../../../src/vault/index.ts';
import type { ObjectStore } from '../../../src/vault/object-store.ts';
import { SEGMENT_BLOCKS } from '../../../src/vault/parameters.ts';
import { NEVER, RUN_ID, testKeys, testSession, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { noise, type TestVolume, testVolume } from '../../support/vault-volume.ts';

// Threads start and seal; on a busy machine that takes seconds.
vi.setConfig({ testTimeout: 60_000 });

/** One written block in each of two segments. */
const FIRST = 7;
const SECOND = SEGMENT_BLOCKS + 3;

function twoSegments(): TestVolume {
  const written = new Map([FIRST, SECOND].map((index) => [index, noise(index)]));
  return testVolume(SEGMENT_BLOCKS + 5, written);
}

type BeforeCreate = (key: string) => Promise<void> | undefined;

/** Archives both segments as one shard; resolves with the keys of what was stored, in order. */
async function archiveBoth(source: TestVolume, before: BeforeCreate): Promise<readonly string[]> {
  const memory = memoryStore();
  const created: string[] = [];
  const store: ObjectStore = {
    ...memory,
    async create(key, ...rest) {
      await before(key);
      await memory.create(key, ...rest);
      created.push(key);
    },
  };
  const vault = await testVault({ store, keys: await testKeys() });
  await beginRun({ vault, session: testSession({ 'vol-1': source }), signal: NEVER });
  created.length = 0;
  await archiveShard({ vault, runId: RUN_ID, volumeId: 'vol-1', shard: 0, shardSegments: 2, source, signal: NEVER });
  return created;
}

function kindOf(key: string): string | undefined {
  return ['packs', 'segments', 'shards'].find((kind) => key.includes(`/${kind}/`));
}

test('while the last pack of one segment is on its way the next is read, and each is named after its own is there', async () => {
  const volume = twoSegments();
  const secondRead = Promise.withResolvers<void>();
  const source: TestVolume = {
    ...volume,
    async read(ref, signal) {
      if (ref.index === SECOND) secondRead.resolve();
      return volume.read(ref, signal);
    },
  };
  let packs = 0;
  // If the second segment waited for the first one's pack, neither would ever end.
  const created = await archiveBoth(source, (key) =>
    kindOf(key) === 'packs' && packs++ === 0 ? secondRead.promise : undefined,
  );
  const kinds = created.map(kindOf);
  expect(kinds.toSorted()).toEqual(['packs', 'packs', 'segments', 'segments', 'shards']);
  expect(kinds.at(-1)).toBe('shards');
  expect(kinds[0]).toBe('packs');
});

test('a pack that cannot be stored ends the next segment too, with its own error, and nothing names it', async () => {
  const volume = twoSegments();
  const failed = Promise.withResolvers<void>();
  const source: TestVolume = {
    ...volume,
    async read(ref, signal) {
      if (ref.index !== SECOND) return volume.read(ref, signal);
      failed.resolve();
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('ended'))));
      throw new Error('unreachable');
    },
  };
  const named: string[] = [];
  const archived = archiveBoth(source, async (key) => {
    if (kindOf(key) !== 'packs') return void named.push(key);
    await failed.promise;
    throw new Error('no room for a pack');
  });
  await expect(archived).rejects.toThrow('no room for a pack');
  expect(named.filter((key) => kindOf(key) !== undefined)).toEqual([]);
});
