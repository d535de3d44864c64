import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startMachine } from '../../../src/qemu/start-machine.ts';
import { temporaryFolder } from '../../support/vault-fixture.ts';

test('a machine that cannot start fails with what QEMU said, at once', async () => {
  const monitor = join(await temporaryFolder(), 'm');
  const args = ['-c', 'echo "qemu: no such disk" >&2; exit 1'];
  await expect(startMachine({ qemu: '/bin/sh', args, monitor })).rejects.toMatchObject({
    code: 'MachineFailed',
    message: expect.stringContaining('no such disk'),
  });
});
