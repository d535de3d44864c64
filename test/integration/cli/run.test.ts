import { writeFileSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFileKeyService } from '../../../src/vault/file/file-keys.ts';
import { createFileStore } from '../../../src/vault/file/file-store.ts';
import { runVaultCli } from '../../support/cli-run.ts';
import { backUp, RUN_ID, temporaryFolder, testVault } from '../../support/vault-fixture.ts';
import { seededBytes } from '../../support/vault-random.ts';
import { noise, testVolume } from '../../support/vault-volume.ts';

const OTHER_RUN_ID = '20261124T023107Z-9f2c0002';

/** A vault with a point of one disk that no machine can boot, and one of agents' output alone. */
async function twoPoints() {
  const folder = await temporaryFolder();
  const key = join(folder, 'key');
  writeFileSync(key, `${'42'.repeat(32)}\n`);
  const store = createFileStore(join(folder, 'vault'));
  const vault = await testVault({ store, keys: createFileKeyService(key, seededBytes('keys')) });
  const disk = { 'vol-1': testVolume(4, new Map([[1, noise('disk')]])) };
  await backUp(vault, disk);
  await backUp(vault, disk, { runId: OTHER_RUN_ID, outputOnly: true });
  const run = (...args: string[]) =>
    runVaultCli('run', ...args, '--accel', 'tcg', '--vault', `file://${folder}/vault`, '--key-file', key);
  return { folder, run };
}

test('what cannot be booted, or has no place to write to, is refused by its reason before a machine starts', async () => {
  const { folder, run } = await twoPoints();
  const file = join(folder, 'key');
  const kept = join(folder, 'kept');
  await mkdir(kept);
  writeFileSync(join(kept, 'vol-1.qcow2'), 'what somebody keeps');
  writeFileSync(join(kept, 'point.json'), JSON.stringify({ pointId: OTHER_RUN_ID }));
  expect(await run(OTHER_RUN_ID)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/no disks to boot from/),
  });
  expect(await run(RUN_ID, '--folder', join(file, 'x'))).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/key\/x cannot be written(.|\n)*TargetUnusable/),
  });
  expect(await run(RUN_ID, '--folder', kept)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/TargetExists/),
  });
  writeFileSync(join(kept, 'point.json'), 'no JSON');
  expect((await run(RUN_ID, '--folder', kept)).stderr).toMatch(/TargetExists/);
  expect((await readdir(kept)).sort()).toEqual(['point.json', 'vol-1.qcow2']);
  expect(await run('latest', '--machine', 'i-other')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/PointMissing/),
  });
});
