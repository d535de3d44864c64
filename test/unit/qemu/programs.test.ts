import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findProgram, findQemu } from '../../../src/qemu/find-programs.ts';
import { temporaryFolder } from '../../support/vault-fixture.ts';

test('a missing program is named with the package that has it', async () => {
  await expect(findQemu({ PATH: '/nonexistent' })).rejects.toMatchObject({
    code: 'QemuMissing',
    message: expect.stringContaining('sudo apt-get install qemu-system-x86'),
  });
});

test('the first of the PATH that can be run counts; relative folders do not', async () => {
  const folder = await temporaryFolder();
  for (const place of ['a', 'b']) {
    await mkdir(join(folder, place));
    await writeFile(join(folder, place, 'tool'), '');
  }
  await chmod(join(folder, 'b/tool'), 0o755);
  const env = { PATH: `.:${folder}/a:${folder}/b` };
  expect(await findProgram('tool', 'package', env)).toBe(join(folder, 'b/tool'));
});
