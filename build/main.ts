import { spawnSync } from 'node:child_process';
import { cp, readdir, rm, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeWorkflowBundle } from '../src/workers/bundle.ts';
import { bundleCommand } from './bundle-command.ts';

// What `npm pack` ships: JavaScript and declarations (Node does not strip types under node_modules), the scripts that
// recipes send to machines, the workflows as one bundle, so that a worker starts without a bundler, and the command line in a
// few files.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SRC = join(ROOT, 'src');
const DIST = join(ROOT, 'dist');

async function main(): Promise<void> {
  await rm(DIST, { recursive: true, force: true });
  compile();
  const files = await copyStaticFiles();
  const bundle = join(DIST, 'workflow-bundle.cjs');
  await writeWorkflowBundle(bundle);
  const { size } = await stat(bundle);
  const chunks = await bundleCommand(DIST);
  const parts = [
    `${files} static files`,
    `workflow bundle of ${Math.ceil(size / 1024)} KiB`,
    `command line in ${chunks}`,
  ];
  process.stderr.write(`dist: compiled, ${parts.join(', ')}\n`);
}

function compile(): void {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json')], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error('the compiler found mistakes: see above');
}

/** Everything under src that is not TypeScript, at the same place: modules read such files beside themselves. */
async function copyStaticFiles(): Promise<number> {
  const entries = await readdir(SRC, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && extname(entry.name) !== '.ts');
  for (const { parentPath, name } of files) {
    const from = join(parentPath, name);
    await cp(from, join(DIST, from.slice(SRC.length)));
  }
  return files.length;
}

await main();
