import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, expect, test, vi } from 'vitest';
import { createFileStore } from '../../../src/vault/file/file-store.ts';
import { backUp, RUN_ID, temporaryFolder, testKeys, testVault } from '../../support/vault-fixture.ts';
import { noise, testVolume } from '../../support/vault-volume.ts';
import { runFake } from './fake-deps.ts';

let access: string[];
let config: string;

beforeEach(async () => {
  const folder = await temporaryFolder();
  const store = createFileStore(join(folder, 'vault'));
  const vault = await testVault({ store, keys: await testKeys() });
  await backUp(vault, { 'vol-1': testVolume(4, new Map([[0, noise(1)]])) });
  const keyFile = join(folder, 'key');
  await writeFile(keyFile, `${'42'.repeat(32)}\n`);
  config = join(folder, 'temporal.config.mjs');
  const isolation = { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' };
  const main = { url: pathToFileURL(join(folder, 'vault')).href, kmsKeyId: pathToFileURL(keyFile).href };
  const content = JSON.stringify({ vaults: { main }, isolation: { sealed: isolation } });
  await writeFile(config, `export default ${content};\n`);
  access = ['--vault', pathToFileURL(join(folder, 'vault')).href, '--key-file', keyFile];
});

test('a point is held and released, and each is told with its reason', async () => {
  const held = await runFake(['hold', RUN_ID, '--reason', 'court\u001b[31m order', ...access], {});
  expect(held.exitCode).toBe(0);
  expect(held.stdout).toMatch(new RegExp(`^held +${RUN_ID} since .*: court`));
  expect(held.stdout).not.toContain('\u001b');
  const released = await runFake(['hold', RUN_ID, '--release', '--reason', 'closed', ...access], {});
  expect(released.stdout).toMatch(/^released .*court/);
  const again = await runFake(['hold', RUN_ID, '--release', '--reason', 'closed', ...access], {});
  expect(again.stdout).toMatch(/^free .*no hold stands/);
});

test('programs get the holds that stand and those that ended', async () => {
  const { json } = await runFake(['hold', RUN_ID, '--reason', 'audit', '--json', ...access], {});
  expect(json).toMatchObject([{ type: 'result', pointId: RUN_ID, holds: [{ reason: 'audit' }], released: [] }]);
  const ended = await runFake(['hold', RUN_ID, '--release', '--reason', 'over', '--json', ...access], {});
  expect(ended.json).toMatchObject([{ holds: [], released: [{ reason: 'audit' }] }]);
});

test('a point that is none, or not there, is refused', async () => {
  const usage = await runFake(['hold', 'latest', '--reason', 'r', ...access], {});
  expect(usage.exitCode).toBe(2);
  expect(usage.stderr).toContain("'latest' is no id");
  const gone = await runFake(['hold', '20200101T000000Z-00000000', '--reason', 'r', ...access], {});
  expect(gone.exitCode).toBe(1);
  expect(gone.stderr).toContain('PointMissing');
});

test('without a vault that of the configuration is meant', async () => {
  vi.stubEnv('UNDERSTUDY_CONFIG', config);
  const { exitCode, stdout } = await runFake(['hold', RUN_ID, '--reason', 'audit'], {});
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^held /);
});
