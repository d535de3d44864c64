import { open } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { BlockSet } from '../../../../src/vault/image/block-set.ts';
import { VolumeWriter } from '../../../../src/vault/image/volume-writer.ts';
import { readMap } from '../../../../src/vault/read-map.ts';
import { backUp, NEVER, testKeys, testVault } from '../../../support/vault-fixture.ts';
import { memoryStore } from '../../../support/vault-memory-store.ts';
import { noise, testVolume } from '../../../support/vault-volume.ts';

// Each vault starts threads of its own, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

test('a disk that runs full under the threads says so, and is not taken for damage of the vault', async () => {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  const { volumes } = await backUp(vault, { root: testVolume(10, new Map([[3, noise('three')]])) });
  const map = await readMap(vault, { volumeId: 'root', map: volumes[0]?.map ?? fail() }, NEVER);
  const file = await open('/dev/full', 'w');
  const path = '/backup/disk0.raw';
  const data = new BlockSet(10);
  const facts = { path, volumeBytes: map.volumeBytes, data };
  const target = { ...facts, file, direct: undefined, publish: async () => path, close: file.close };
  const writer = new VolumeWriter({ vault, map, target, keepGoing: true, signal: NEVER, onDone: () => {} });
  await expect(writer.fill()).rejects.toMatchObject({
    code: 'TargetUnusable',
    message: expect.stringMatching(/^\/backup\/disk0.raw cannot be written: the disk is full; make room, .*ENOSPC/),
  });
  expect(writer.missing).toEqual([]);
  await file.close();
});

function fail(): never {
  throw new Error('the backup holds no volume');
}
