import { createHash } from 'node:crypto';
import { access, glob, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';

const SOURCES = new URL('../workflows/index.ts', import.meta.url);
/** Beside dist/workers/ in the package; Node strips no types under node_modules, so the package brings it along. */
const PREBUILT = new URL('../workflow-bundle.cjs', import.meta.url);
const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
/** Everything that a workflow may import (a test checks it on the bundle), and the versions of the libraries. */
const INPUTS = ['src/{workflows,contract}/**/*.ts', 'src/errors.ts', 'package-lock.json'];
/** Where tools of the npm world keep what they can make again. */
const CACHE = join(REPOSITORY, 'node_modules/.cache/understudy');

/** The workflows as a worker wants them: prebuilt in the package, bundled from sources in the repository. */
export async function workflowBundle(): Promise<WorkflowBundleOption> {
  const codePath = fileURLToPath(PREBUILT);
  return { codePath: (await exists(codePath)) ? codePath : await ensureBundle() };
}

/** Writes the package's prebuilt bundle. It must be built by the very version of @temporalio/worker that runs it. */
export async function writeWorkflowBundle(path: string): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(SOURCES),
    logger: new DefaultLogger('WARN'),
  });
  await mkdir(dirname(path), { recursive: true });
  // Renamed when it is whole: two workers that start at once may both write it.
  await writeFile(`${path}.${process.pid}`, code);
  await rename(`${path}.${process.pid}`, path);
}

/** Bundling takes 4.6 s of processor time, and the demo and the tests start about 20 workers. */
async function ensureBundle(): Promise<string> {
  const path = join(CACHE, `workflows-${await hashInputs()}.cjs`);
  if (!(await exists(path))) await writeWorkflowBundle(path);
  return path;
}

async function hashInputs(): Promise<string> {
  const files: string[] = [];
  for await (const file of glob(INPUTS, { cwd: REPOSITORY })) files.push(file);
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    const bytes = await readFile(join(REPOSITORY, file));
    hash.update(`${file}\n${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex').slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
