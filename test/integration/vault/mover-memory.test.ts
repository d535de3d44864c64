import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../support/vault-fixture.ts';

const MOVER = fileURLToPath(new URL('../../support/vault-mover.ts', import.meta.url));

test('archiving stays within 350 MiB resident however much there is to archive', async () => {
  const folder = await temporaryFolder();
  const keyFile = join(folder, 'key');
  await writeFile(keyFile, `${'42'.repeat(32)}\n`);
  const { stdout } = await promisify(execFile)(process.execPath, [
    MOVER,
    pathToFileURL(join(folder, 'vault')).href,
    keyFile,
    '768',
  ]);
  const { blocks, rssMebibytes } = JSON.parse(stdout);
  expect(blocks).toBe(1536);
  expect(rssMebibytes).toBeLessThan(350);
});
