import { open, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTarget, writeFully, writing } from '../../../../src/vault/image/image-target.ts';
import { NEVER, temporaryFolder } from '../../../support/vault-fixture.ts';

test('a disk that runs full says so, and what to do', async () => {
  const full = await open('/dev/full', 'w');
  const work = writing('/backup/disk0.raw', () => writeFully(full, Buffer.alloc(4096), 0));
  await expect(work).rejects.toMatchObject({
    code: 'TargetUnusable',
    message: expect.stringMatching(/^\/backup\/disk0.raw cannot be written: the disk is full; make room, .*ENOSPC/),
  });
  await full.close();
});

test('where a next attempt does not find what this one left, a full disk says what to do in its place', async () => {
  const full = await open('/dev/full', 'w');
  const work = writing('/out/run', () => writeFully(full, Buffer.alloc(4096), 0), 'ask again and remove this one');
  await expect(work).rejects.toMatchObject({
    message: '/out/run cannot be written: the disk is full; make room, then ask again and remove this one (ENOSPC)',
  });
  await full.close();
});

test('a link that leads nowhere is refused before anything is written', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'disk.raw');
  await symlink('/nowhere/at/all', path);
  const size = { volumeBytes: 4096, dataBytes: 4096 };
  const work = openTarget({ path, ...size, overwriteDevice: false, signal: NEVER });
  await expect(work).rejects.toMatchObject({ code: 'TargetExists' });
  expect(await readdir(folder)).toEqual(['disk.raw']);
});
