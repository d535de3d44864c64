import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { BLOCK_BYTES } from '../../../../src/vault/block-source.ts';
import { openVolumeReader, type VolumeReader } from '../../../../src/vault/index.ts';
import type { ObjectStore } from '../../../../src/vault/object-store.ts';
import { backUp, NEVER, temporaryFolder, testKeys, testVault } from '../../../support/vault-fixture.ts';
import { type MemoryStore, memoryStore } from '../../../support/vault-memory-store.ts';
import { noise, testVolume, text } from '../../../support/vault-volume.ts';

// Sealing takes a second alone, and much longer beside a machine that boots.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

interface Watched extends ObjectStore {
  /** Range requests for packs, which hold the blocks. */
  readonly packGets: string[];
  /** Every request for a pack waits for it. */
  gate: Promise<void>;
}

function watched(store: MemoryStore): Watched {
  const packGets: string[] = [];
  return {
    ...store,
    packGets,
    gate: Promise.resolve(),
    async get(key, signal, part) {
      if (!part || !('offset' in part) || !key.endsWith('.pack')) return store.get(key, signal, part);
      packGets.push(`${key} ${part.offset}`);
      await this.gate;
      signal.throwIfAborted();
      return store.get(key, signal, part);
    },
  };
}

const BLOCKS = 64;
const written = new Map(
  Array.from({ length: BLOCKS }, (_, index) => [index, index % 8 ? text(`row ${index}`) : noise(index)] as const)
    // Blocks 40 to 47 are a hole.
    .filter(([index]) => index < 40 || index >= 48),
);

async function archived({ cacheFolder }: { readonly cacheFolder?: string } = {}) {
  const memory = memoryStore();
  const store = watched(memory);
  const vault = await testVault({ store, keys: await testKeys() });
  const manifest = await backUp(vault, { 'vol-1': testVolume(BLOCKS, written) });
  const map = manifest.volumes[0]?.map;
  if (!map) throw new Error('no volume');
  store.packGets.length = 0;
  const open = () => openVolumeReader({ vault, volumeId: 'vol-1', map, cacheFolder, signal: NEVER });
  const { reader } = await openVolumeReader({ vault, volumeId: 'vol-1', map, signal: NEVER });
  return { memory, store, open, reader };
}

async function expectBytes(reader: VolumeReader, offset: number, length: number): Promise<void> {
  const expected = new Uint8Array(length);
  for (let i = 0; i < length; ) {
    const index = Math.floor((offset + i) / BLOCK_BYTES);
    const from = (offset + i) % BLOCK_BYTES;
    const part = (written.get(index) ?? new Uint8Array(BLOCK_BYTES)).subarray(from, from + length - i);
    expected.set(part, i);
    i += part.length;
  }
  expect(Buffer.compare(await reader.readAt(offset, length, NEVER), expected), `${length} at ${offset}`).toBe(0);
}

test('a reader that goes on gets every byte with one request for several blocks, and nothing twice', async () => {
  const { reader, store } = await archived();
  for (let offset = 0; offset < BLOCKS * BLOCK_BYTES; offset += BLOCK_BYTES / 4)
    await expectBytes(reader, offset, BLOCK_BYTES / 4);
  expect(new Set(store.packGets).size).toBe(store.packGets.length);
  expect(store.packGets.length).toBeLessThan(15);
  expect(reader.counters.requests).toBe(store.packGets.length + 1); // and the segment
});

test('a reader that jumps about pays for the blocks it wants and no others', async () => {
  const { reader, store } = await archived();
  for (const index of [60, 3, 33, 12, 50]) await expectBytes(reader, index * BLOCK_BYTES + 4096, 4096);
  expect(store.packGets.length).toBe(5);
  await expectBytes(reader, 33 * BLOCK_BYTES, 512);
  expect(store.packGets.length).toBe(5);
});

test('one large read is made of large requests, across a hole', async () => {
  const { reader, store } = await archived();
  await expectBytes(reader, 1000, 60 * BLOCK_BYTES);
  expect(store.packGets.length).toBeLessThan(12);
});

test('a block that many want at once is fetched once', async () => {
  const { reader, store } = await archived();
  await Promise.all(Array.from({ length: 20 }, (_, i) => expectBytes(reader, 20 * BLOCK_BYTES + i * 512, 512)));
  expect(store.packGets.length).toBe(1);
});

test('whoever gives up does not take the block away from others who wait for it', async () => {
  const { reader, store } = await archived();
  const opened = Promise.withResolvers<void>();
  store.gate = opened.promise;
  const leaving = new AbortController();
  const left = reader.readAt(0, 512, leaving.signal);
  await vi.waitFor(() => expect(store.packGets.length).toBe(1));
  const staying = expectBytes(reader, 512, 512);
  leaving.abort(new Error('left'));
  await expect(left).rejects.toThrow('left');
  opened.resolve();
  await staying;
});

test('a damaged block is an error that names its pack, for itself alone', async () => {
  const { reader, memory, store, open } = await archived();
  await expectBytes(reader, 9 * BLOCK_BYTES, 512);
  const [key = '', offset = ''] = (store.packGets[0] ?? '').split(' ');
  flipBit(memory, key, Number(offset) + 40);
  const { reader: fresh } = await open();
  await expect(fresh.readAt(9 * BLOCK_BYTES, 512, NEVER)).rejects.toThrow(`${key}: block 9 `);
  await expect(fresh.readAt(6 * BLOCK_BYTES, 8 * BLOCK_BYTES, NEVER)).rejects.toThrow('block 9 ');
  for (const index of [6, 7, 8, 10, 11, 12, 13]) await expectBytes(fresh, index * BLOCK_BYTES, BLOCK_BYTES);
});

function flipBit(memory: MemoryStore, key: string, at: number): void {
  const body = memory.objects.get(key);
  if (!body) throw new Error(`no ${key}`);
  memory.objects.set(
    key,
    Uint8Array.from(body, (byte, i) => (i === at ? byte ^ 1 : byte)),
  );
}

test('stretches tell what is stored and what is a hole, without reading a block', async () => {
  const { reader, store } = await archived();
  expect(await reader.stretches(39 * BLOCK_BYTES + 512, 20 * BLOCK_BYTES, NEVER)).toEqual([
    { bytes: BLOCK_BYTES - 512, hole: false },
    { bytes: 8 * BLOCK_BYTES, hole: true },
    { bytes: 11 * BLOCK_BYTES + 512, hole: false },
  ]);
  expect(store.packGets).toEqual([]);
});

test('a range beyond the end is refused', async () => {
  const { reader } = await archived();
  await expect(reader.readAt(reader.bytes - 10, 11, NEVER)).rejects.toThrow(RangeError);
  expect(await reader.readAt(reader.bytes, 0, NEVER)).toHaveLength(0);
});

test('blocks kept on the local disk are not fetched again, by this process or a later one', async () => {
  const cacheFolder = await temporaryFolder();
  const { store, open } = await archived({ cacheFolder });
  const first = await open();
  await expectBytes(first.reader, 0, BLOCKS * BLOCK_BYTES);
  await first.close();
  store.packGets.length = 0;
  const later = await open();
  await expectBytes(later.reader, 0, BLOCKS * BLOCK_BYTES);
  expect(store.packGets).toEqual([]);
  expect(later.reader.counters.cachedBlocks).toBe(written.size);
  await later.close();
});

test('what stands in the cache is not believed: changed, torn or empty blocks are fetched and mended', async () => {
  const cacheFolder = await temporaryFolder();
  const { store, open } = await archived({ cacheFolder });
  const first = await open();
  await expectBytes(first.reader, 0, BLOCKS * BLOCK_BYTES);
  await first.close();
  const [name = ''] = await readdir(cacheFolder);
  const path = join(cacheFolder, name);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const bytes = await readFile(path);
  bytes[5 * BLOCK_BYTES + 77] = (bytes[5 * BLOCK_BYTES + 77] ?? 0) ^ 1;
  bytes.fill(0, 30.5 * BLOCK_BYTES, 31 * BLOCK_BYTES);
  await writeFile(path, bytes);
  store.packGets.length = 0;
  for (const gets of [2, 0]) {
    const again = await open();
    await expectBytes(again.reader, 0, BLOCKS * BLOCK_BYTES);
    await again.close();
    expect(store.packGets.length).toBe(gets);
    store.packGets.length = 0;
  }
});
