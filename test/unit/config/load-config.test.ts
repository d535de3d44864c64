import { execFile as execFileWithCallback } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ensureDeploymentId, loadConfig, readDeploymentId } from '../../../src/config/index.ts';

const execFile = promisify(execFileWithCallback);

const GOOD = `export default {
  vaults: { main: { url: 'file:///vault', kmsKeyId: 'file:///key' } },
  isolation: { sealed: { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' } },
};`;

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'understudy-config-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

describe('the configuration', () => {
  test('is found in the working directory', async () => {
    await writeFile(join(cwd, 'temporal.config.mjs'), GOOD);
    const { config, path } = await loadConfig({ env: {}, cwd });
    expect(path).toBe(join(cwd, 'temporal.config.mjs'));
    expect(config.vaults.main?.url).toBe('file:///vault');
  });

  test('is the file that UNDERSTUDY_CONFIG names, before any other', async () => {
    await writeFile(join(cwd, 'temporal.config.mjs'), 'export default {}');
    await writeFile(join(cwd, 'mine.mjs'), GOOD);
    const { path } = await loadConfig({ env: { UNDERSTUDY_CONFIG: 'mine.mjs' }, cwd });
    expect(path).toBe(join(cwd, 'mine.mjs'));
  });

  test('that nobody wrote is asked for with the places that were looked at', async () => {
    await expect(loadConfig({ env: {}, cwd })).rejects.toThrow(/found no temporal\.config\.ts.*set UNDERSTUDY_CONFIG/s);
    await expect(loadConfig({ env: { UNDERSTUDY_CONFIG: 'gone.ts' }, cwd })).rejects.toThrow(
      /gone\.ts, which does not exist/,
    );
  });

  test('without a default export says how to write one', async () => {
    await writeFile(join(cwd, 'temporal.config.mjs'), 'export const config = {};');
    await expect(loadConfig({ env: {}, cwd })).rejects.toThrow(/no default export; write `export default/);
  });

  test('that is wrong is refused with its path and the wrong field', async () => {
    await writeFile(join(cwd, 'temporal.config.mjs'), GOOD.replace("'vpc-1'", "'net-1'"));
    await expect(loadConfig({ env: {}, cwd })).rejects.toThrow(
      /temporal\.config\.mjs is not valid:\n {2}isolation\.sealed\.vpcId/,
    );
  });
});

describe('a configuration that cannot be imported', () => {
  // In a process of its own: the runner of these tests imports modules in its own way.
  test.each([
    { extension: 'ts', says: /temporal\.config\.mjs: .*\(.*part\.ts:2\)/s },
    { extension: 'mjs', says: /temporal\.config\.mjs: .*; `node .*temporal\.config\.mjs` shows the line/ },
  ])('says where the mistake in an imported .$extension stands', async ({ extension, says }) => {
    await writeFile(join(cwd, `part.${extension}`), 'export const a = 1;\nexport const b = {;\n');
    await writeFile(join(cwd, 'temporal.config.mjs'), `import './part.${extension}';\n${GOOD}`);
    const loader = new URL('../../../src/config/load-config.ts', import.meta.url).href;
    const script = `import { loadConfig } from '${loader}';\nawait loadConfig().catch(({ message }) => console.log(message));`;
    const { stdout } = await execFile(process.execPath, ['--input-type=module', '-e', script], { cwd });
    expect(stdout).toMatch(says);
  });

  test('says its path where defineConfig refuses it', async () => {
    const definition = new URL('../../../src/config/index.ts', import.meta.url).href;
    const wrong = `import { defineConfig } from '${definition}';\nexport default defineConfig({ vaults: {} });`;
    await writeFile(join(cwd, 'temporal.config.mjs'), wrong);
    await expect(loadConfig({ env: {}, cwd })).rejects.toThrow(/temporal\.config\.mjs: .*\n +vaults: must define/);
  });
});

describe('the deployment id', () => {
  const ID = '6f1b2c9e-1111-4222-8333-444455556666';

  test('is made once and then stays', async () => {
    const env = { XDG_CONFIG_HOME: cwd };
    await expect(readDeploymentId(env)).rejects.toThrow(/run `understudy init` once/);
    const id = await ensureDeploymentId(env);
    expect(await ensureDeploymentId(env)).toBe(id);
    expect(await readDeploymentId(env)).toBe(id);
  });

  test('is the same for many that start together', async () => {
    const env = { XDG_CONFIG_HOME: cwd };
    const ids = await Promise.all(Array.from({ length: 20 }, () => ensureDeploymentId(env)));
    expect(new Set(ids).size).toBe(1);
    expect(await readdir(join(cwd, 'understudy'))).toEqual(['deployment.json']);
  });

  test.each([
    {
      what: 'a file that cannot be read',
      found: /deployment\.json cannot be read \(ENOTDIR\).*UNDERSTUDY_DEPLOYMENT_ID/,
    },
    {
      what: 'a folder that takes no file',
      found: /deployment\.json cannot be written \(ENOENT\).*UNDERSTUDY_DEPLOYMENT_ID/,
    },
  ])('$what is named, with a way out', async ({ what, found }) => {
    await writeFile(join(cwd, 'understudy'), '');
    const env = { XDG_CONFIG_HOME: what.startsWith('a file') ? cwd : '/proc' };
    await expect(ensureDeploymentId(env)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringMatching(found),
    });
  });

  test('of the environment comes first, and must be a UUID', async () => {
    expect(await readDeploymentId({ UNDERSTUDY_DEPLOYMENT_ID: ID, XDG_CONFIG_HOME: cwd })).toBe(ID);
    await expect(readDeploymentId({ UNDERSTUDY_DEPLOYMENT_ID: 'mine' })).rejects.toThrow(
      /UNDERSTUDY_DEPLOYMENT_ID does not hold/,
    );
  });
});
