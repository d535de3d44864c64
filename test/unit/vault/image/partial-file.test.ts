import { link, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTarget } from '../../../../src/vault/image/image-target.ts';
import { NEVER, temporaryFolder } from '../../../support/vault-fixture.ts';

const BYTES = 4096;
const open = (path: string) =>
  openTarget({ path, volumeBytes: BYTES, dataBytes: BYTES, overwriteDevice: false, signal: NEVER });

test('a second writer of one image is refused and told who writes; the first one publishes its own bytes', async () => {
  const path = join(await temporaryFolder(), 'disk.raw');
  const first = await open(path);
  await expect(open(path)).rejects.toMatchObject({
    code: 'TargetUnusable',
    message: expect.stringContaining(`another process (pid ${process.pid}) writes it`),
  });
  await first.file.write(Buffer.alloc(BYTES, 'a'), 0, BYTES, 0);
  await first.publish();
  await first.close();
  expect(await readFile(path)).toEqual(Buffer.alloc(BYTES, 'a'));
});

test('what a writer left is there for the next one', async () => {
  const path = join(await temporaryFolder(), 'disk.raw');
  const first = await open(path);
  await first.file.write(Buffer.alloc(BYTES, 'a'), 0, BYTES, 0);
  await first.close();
  const second = await open(path);
  await second.publish();
  await second.close();
  expect(await readFile(path)).toEqual(Buffer.alloc(BYTES, 'a'));
});

test.each([
  { what: 'moved away', act: (partial: string) => rename(partial, `${partial}.old`) },
  {
    what: 'replaced',
    act: async (partial: string) => {
      await rename(partial, `${partial}.old`);
      await writeFile(partial, 'somebody else');
    },
  },
])('a .partial that is $what while it is written becomes no image', async ({ act }) => {
  const folder = await temporaryFolder();
  const path = join(folder, 'disk.raw');
  const target = await open(path);
  await act(target.path);
  await expect(target.publish()).rejects.toMatchObject({
    code: 'TargetUnusable',
    message: expect.stringContaining('somebody else moved, removed or finished it'),
  });
  await target.close();
  expect(await readdir(folder)).not.toContain('disk.raw');
});

test('a .partial that is a finished image too is left to that image', async () => {
  const folder = await temporaryFolder();
  const [finished, path] = [join(folder, 'finished.raw'), join(folder, 'disk.raw')];
  await writeFile(finished, 'finished');
  await link(finished, `${path}.partial`);
  const target = await open(path);
  await target.file.write(Buffer.alloc(BYTES, 'b'), 0, BYTES, 0);
  await target.publish();
  await target.close();
  expect(await readFile(finished, 'utf8')).toBe('finished');
  expect(await readFile(path)).toEqual(Buffer.alloc(BYTES, 'b'));
});

test('a .partial that leads elsewhere is not followed', async () => {
  const folder = await temporaryFolder();
  const [elsewhere, path] = [join(folder, 'elsewhere'), join(folder, 'disk.raw')];
  await writeFile(elsewhere, 'mine');
  await symlink(elsewhere, `${path}.partial`);
  await expect(open(path)).rejects.toMatchObject({
    code: 'TargetUnusable',
    message: expect.stringContaining('symbolic link'),
  });
  expect(await readFile(elsewhere, 'utf8')).toBe('mine');
});
