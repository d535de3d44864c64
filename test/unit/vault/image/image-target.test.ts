import { open } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { writeFully, writing } from '../../../../src/vault/image/image-target.ts';

test('a disk that runs full says so, and what to do', async () => {
  const full = await open('/dev/full', 'w');
  const work = writing('/backup/disk0.raw', () => writeFully(full, Buffer.alloc(4096), 0));
  await expect(work).rejects.toMatchObject({
    code: 'TargetUnusable',
    message: expect.stringMatching(/^\/backup\/disk0.raw cannot be written: the disk is full; make room, .*ENOSPC/),
  });
  await full.close();
});
