import { access, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';

const SOURCES = new URL('../workflows/index.ts', import.meta.url);
/** Beside dist/workers/ in the package; Node strips no types under node_modules, so the package brings it along. */
const PREBUILT = new URL('../workflow-bundle.cjs', import.meta.url);

/** The workflows as a worker wants them: prebuilt in the package, bundled from sources in the repository. */
export async function workflowBundle(): Promise<WorkflowBundleOption> {
  const codePath = fileURLToPath(PREBUILT);
  return (await exists(codePath)) ? { codePath } : { code: await bundleSources() };
}

/** Writes the package's prebuilt bundle. It must be built by the very version of @temporalio/worker that runs it. */
export async function writeWorkflowBundle(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, await bundleSources());
}

async function bundleSources(): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(SOURCES),
    logger: new DefaultLogger('WARN'),
  });
  return code;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
