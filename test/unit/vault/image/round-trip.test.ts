import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { link, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { openImage } from '../../../../src/vault/image/open-image.ts';
import {
  BLOCK_BYTES,
  putImage,
  readChangedBlocks,
  type Vault,
  writeRange,
  writeVolume,
} from '../../../../src/vault/index.ts';
import { allocatedBytes, sameFiles, writeImage } from '../../../support/raw-image.ts';
import { NEVER, temporaryFolder, testKeys, testVault } from '../../../support/vault-fixture.ts';
import { memoryStore } from '../../../support/vault-memory-store.ts';
import { noise, text, zeros } from '../../../support/vault-volume.ts';

const GIB = 2 ** 30;
// Each vault starts threads of its own, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

async function memoryVault(): Promise<Vault> {
  return testVault({ store: memoryStore(), keys: await testKeys() });
}

const put = (vault: Vault, path: string, more: object = {}) =>
  putImage({
    vault,
    path,
    machineId: 'm1',
    name: null,
    volumeId: 'disk0',
    toolVersion: 'test',
    signal: NEVER,
    ...more,
  });

async function get(vault: Vault, manifest: Awaited<ReturnType<typeof put>>, path: string) {
  const [volume] = manifest.volumes;
  if (!volume) throw new Error('no volume');
  return writeVolume({ vault, volumeId: volume.volumeId, map: volume.map, path, readBack: true, signal: NEVER });
}

describe('an image comes back byte for byte', () => {
  test.each([
    { name: 'of one byte', bytes: 1, blocks: [[0, noise(0)]] },
    { name: 'of one block', bytes: BLOCK_BYTES, blocks: [[0, text('a')]] },
    { name: 'of one block and a byte', bytes: BLOCK_BYTES + 1, blocks: [[1, noise(1)]] },
    {
      name: 'that ends inside a sector',
      bytes: 3 * BLOCK_BYTES - 77,
      blocks: [
        [0, noise(2)],
        [2, text('end')],
      ],
    },
    { name: 'of zeros only', bytes: 5 * BLOCK_BYTES + 512, blocks: [[1, zeros()]] },
    { name: 'without any data', bytes: 7 * BLOCK_BYTES, blocks: [] },
  ] as const)('$name', async ({ bytes, blocks }) => {
    const folder = await temporaryFolder();
    const image = await writeImage(join(folder, 'a.img'), bytes, new Map(blocks));
    const vault = await memoryVault();
    const written = await get(vault, await put(vault, image), join(folder, 'b.img'));
    expect(written).toMatchObject({ volumeBytes: bytes, missing: [] });
    expect(await sameFiles(image, join(folder, 'b.img'))).toBe(true);
  });
});

test('40 GiB with three blocks in them are neither read nor written whole', async () => {
  const folder = await temporaryFolder();
  const last = (40 * GIB) / BLOCK_BYTES;
  const blocks = new Map([
    [0, text('boot')],
    [30_001, noise(5)],
    [last, noise(6).subarray(0, 1000)],
  ]);
  const image = await writeImage(join(folder, 'a.img'), 40 * GIB + 1000, blocks);
  const vault = await memoryVault();
  const manifest = await put(vault, image);
  const copy = join(folder, 'b.img');
  expect(await get(vault, manifest, copy)).toMatchObject({ bytesWritten: 3 * BLOCK_BYTES, bytesKept: 0 });
  expect(await allocatedBytes(copy)).toBeLessThan(4 * BLOCK_BYTES);
  const file = await open(copy);
  const found = Buffer.alloc(BLOCK_BYTES);
  await file.read(found, 0, BLOCK_BYTES, 30_001 * BLOCK_BYTES);
  await file.close();
  expect(found.equals(noise(5))).toBe(true);
});

test('the second image of a machine stores only what changed, with and without a list of changes', async () => {
  const folder = await temporaryFolder();
  const blocks = new Map([0, 1, 2, 3].map((index) => [index, noise(index)]));
  const image = await writeImage(join(folder, 'a.img'), 4 * BLOCK_BYTES, blocks);
  const vault = await memoryVault();
  const first = await put(vault, image);
  await writeImage(image, 4 * BLOCK_BYTES, blocks.set(2, noise('new')));
  let read = { bytesRead: 0, bytesStored: 0 };
  const onProgress = (progress: typeof read) => {
    read = progress;
  };
  const second = await put(vault, image, { onProgress });
  expect(second.parents).toMatchObject([{ pointId: first.pointId }]);
  expect(read).toMatchObject({ bytesRead: 4 * BLOCK_BYTES, bytesStored: BLOCK_BYTES + 28 });
  expect(await get(vault, second, join(folder, 'b.img'))).toMatchObject({ missing: [] });
  expect(await sameFiles(image, join(folder, 'b.img'))).toBe(true);
});

test('a list of changes is only taken together with the point it counts from', async () => {
  const folder = await temporaryFolder();
  const blocks = new Map([0, 1, 2].map((index) => [index, noise(index)]));
  const image = await writeImage(join(folder, 'a.img'), 3 * BLOCK_BYTES, blocks);
  const vault = await memoryVault();
  const { pointId } = await put(vault, image);
  await writeImage(image, 3 * BLOCK_BYTES, blocks.set(1, text('new')));
  const list = (line: string) => async (volumeBytes: number) => {
    await writeFile(join(folder, 'changed'), `# by the hypervisor\n\n${line}\n`);
    return readChangedBlocks(join(folder, 'changed'), volumeBytes);
  };
  const stranger = { pointId: '20261123T000000Z-00000000', list: list('1') };
  await expect(put(vault, image, { changed: stranger })).rejects.toMatchObject({ code: 'InvalidInput' });
  await expect(put(vault, image, { changed: { pointId, list: list('3') } })).rejects.toThrow(/line 3: '3' is no block/);
  const manifest = await put(vault, image, { changed: { pointId, list: list('1-1') } });
  await get(vault, manifest, join(folder, 'b.img'));
  expect(await sameFiles(image, join(folder, 'b.img'))).toBe(true);
});

test('an image that is written to meanwhile becomes no recovery point', async () => {
  const folder = await temporaryFolder();
  const image = await writeImage(
    join(folder, 'a.img'),
    2 * BLOCK_BYTES,
    new Map([
      [0, noise(0)],
      [1, noise(1)],
    ]),
  );
  const store = memoryStore();
  const vault = await testVault({ store, keys: await testKeys() });
  const onProgress = () => appendFileSync(image, 'x');
  await expect(put(vault, image, { onProgress })).rejects.toMatchObject({ code: 'SourceUnusable' });
  expect([...store.objects.keys()].filter((key) => key.startsWith('points/'))).toEqual([]);
});

test.each(['', '/dev/null', '/nowhere/at/all'])('"%s" is refused as an image by its name', async (path) => {
  const folder = await temporaryFolder();
  const name = path === '' ? await writeImage(join(folder, 'empty.img'), 0, new Map()) : path;
  const vault = await memoryVault();
  await expect(put(vault, name)).rejects.toMatchObject({
    code: 'SourceUnusable',
    message: expect.stringContaining(name),
  });
});

test("why an image cannot be opened is said once, in the system's words", async () => {
  await expect(openImage('/nowhere/at/all', NEVER)).rejects.toThrow(
    "/nowhere/at/all cannot be read as a raw disk image: ENOENT: no such file or directory, open '/nowhere/at/all'",
  );
});

test('a named pipe is refused at once: there is no disk in it', async () => {
  const path = join(await temporaryFolder(), 'pipe');
  execFileSync('mkfifo', [path]);
  await expect(openImage(path, NEVER)).rejects.toMatchObject({
    code: 'SourceUnusable',
    message: expect.stringContaining('neither a file nor a block device'),
  });
});

test('a finished image that still has its first name too keeps the final one alone', async () => {
  const folder = await temporaryFolder();
  const image = await writeImage(join(folder, 'a.img'), BLOCK_BYTES, new Map([[0, noise(0)]]));
  const vault = await memoryVault();
  const manifest = await put(vault, image);
  const copy = join(folder, 'b.img');
  await get(vault, manifest, copy);
  await link(copy, `${copy}.partial`); // as a kill between link and unlink leaves it
  expect(await get(vault, manifest, copy)).toMatchObject({ bytesWritten: 0 });
  expect((await readdir(folder)).sort()).toEqual(['a.img', 'b.img']);
});

test('a part of a volume is fetched alone, wherever it begins and ends', async () => {
  const folder = await temporaryFolder();
  const blocks = new Map([0, 1, 3].map((index) => [index, noise(index)]));
  const image = await writeImage(join(folder, 'a.img'), 4 * BLOCK_BYTES, blocks);
  const vault = await memoryVault();
  const [volume] = (await put(vault, image)).volumes;
  if (!volume) throw new Error('no volume');
  const [offset, bytes] = [BLOCK_BYTES + 1000, 2 * BLOCK_BYTES + 5];
  const path = join(folder, 'part');
  await writeRange({ vault, volumeId: 'disk0', map: volume.map, offset, bytes, path, signal: NEVER });
  expect((await readFile(path)).equals((await readFile(image)).subarray(offset, offset + bytes))).toBe(true);
});
