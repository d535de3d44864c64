import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readToolchain } from '../../../local/toolchain.ts';
import { startBackupRuns } from '../../support/backup-runs.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const execute = promisify(execFile);

let project: string;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'understudy-package-'));
  await installPackage(project);
});
afterAll(() => rm(project, { recursive: true, force: true }));

test('the main export loads on the oldest Node', async () => {
  const script =
    "const { BackupClient } = await import('understudy'); console.log(process.version, typeof BackupClient)";
  expect(await runNode(readToolchain().oldestNode, script)).toMatch(/^v20\.\S+ function$/);
});

test('the example that other services paste backs up from the package, on the oldest Node', async () => {
  const example = await readFile(join(ROOT, 'examples', 'request-backup.ts'), 'utf8');
  await writeFile(join(project, 'request-backup.js'), stripTypeScriptTypes(example));
  const runs = await startBackupRuns();
  try {
    const script =
      "const { backUp } = await import('./request-backup.js'); console.log(process.version, await backUp('i-0123456789abcdef0', 'nightly-1'))";
    const env = {
      ...process.env,
      TEMPORAL_ADDRESS: runs.temporal.address,
      TEMPORAL_NAMESPACE: runs.temporal.namespace,
    };
    expect(await runNode(readToolchain().oldestNode, script, env)).toMatch(/^v20\.\S+ \d{8}T\d{6}Z-[0-9a-f]{8}$/);
  } finally {
    await runs.stop();
  }
});

test('the installed command says which Node it needs, on an older one', async () => {
  const command = join(project, 'node_modules', 'understudy', 'bin', 'understudy.mjs');
  await expect(execute(readToolchain().oldestNode, [command, '--help'])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^understudy: needs Node 24; this is v20\.\S+\n$/),
  });
});

test('vault and configuration load on the Node that the product runs on', async () => {
  const script =
    "await import('understudy/vault'); const c = await import('understudy/config'); console.log(typeof c.defineConfig)";
  expect(await runNode(process.execPath, script)).toBe('function');
});

test('every export has declarations that a strict project accepts', async () => {
  const source = [
    "import { BackupClient } from 'understudy';",
    "import { defineConfig } from 'understudy/config';",
    "import * as vault from 'understudy/vault';",
    '// @ts-expect-error a configuration is an object; an error here shows that the types are there',
    'defineConfig(5);',
    'export const used = [BackupClient, vault];',
  ];
  await writeFile(join(project, 'consumer.ts'), source.join('\n'));
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--skipLibCheck', '--types', 'node'];
  const checked = execute(process.execPath, [tsc, ...options, 'consumer.ts'], { cwd: project });
  expect(await checked.catch(({ stdout }: { stdout: string }) => stdout)).toMatchObject({ stdout: '' });
});

test('the installed command archives an image and brings it back', async () => {
  const image = join(project, 'disk.raw');
  const url = pathToFileURL(join(project, 'vault')).href;
  await mkdir(join(project, 'vault'));
  await writeFile(join(project, 'key'), '42'.repeat(32));
  await writeFile(image, randomBytes(3 * 2 ** 20));
  await understudy('init', url);
  await understudy('put', image, url, '--machine', 'web');
  await understudy('get', url, 'latest', join(project, 'back.raw'));
  expect((await readFile(join(project, 'back.raw'))).equals(await readFile(image))).toBe(true);
  // It knows the errors of its parts by their class.
  await expect(understudy('get', url, '20260101T000000Z-00000000', join(project, 'none.raw'))).rejects.toMatchObject({
    stderr: expect.stringMatching(/code +PointMissing/),
  });
});

test('the package holds the workflow bundle and the recipes’ scripts, and no sources', async () => {
  const files = await readdir(join(project, 'node_modules', 'understudy', 'dist'), { recursive: true });
  expect(files).toEqual(
    expect.arrayContaining(['workflow-bundle.cjs', 'recipes/postgresql/probe.sh', 'command/main.js']),
  );
  expect(files.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))).toEqual([]);
});

/** As npm would install the tarball; its dependencies are the ones that this repository has installed. */
async function installPackage(target: string): Promise<void> {
  const modules = join(target, 'node_modules');
  await mkdir(modules);
  // npm runs `prepack`, which builds.
  await execute('npm', ['pack', '--pack-destination', target], { cwd: ROOT });
  const tarball = (await readdir(target)).find((name) => name.endsWith('.tgz'));
  await execute('tar', ['-xzf', tarball ?? 'no tarball'], { cwd: target });
  await rename(join(target, 'package'), join(modules, 'understudy'));
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
  await writeFile(join(target, 'package.json'), JSON.stringify({ type: 'module' }));
}

function understudy(verb: string, ...args: string[]) {
  const command = join(project, 'node_modules', 'understudy', 'bin', 'understudy.mjs');
  return execute(process.execPath, [command, 'vault', verb, ...args, '--key-file', join(project, 'key')]);
}

async function runNode(node: string, script: string, env = process.env): Promise<string> {
  const { stdout } = await execute(node, ['--input-type=module', '--eval', script], { cwd: project, env });
  return stdout.trim();
}
