import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { expect, test } from 'vitest';

const WORKFLOWS = fileURLToPath(new URL('../../../src/workflows/index.ts', import.meta.url));
const MAY_BE_IN_IT = /^(contract|workflows)\/|^errors\.ts$/;

test('the workflow bundle holds no AWS SDK, no builtin of Node and nothing of ours but contract and errors', async () => {
  const logger = new DefaultLogger('ERROR', () => undefined);
  const { code } = await bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger });
  // webpack names every module by its path.
  const modules = [...code.matchAll(/^\/\*\*\*\/ "([^"]+)"/gm)].map(([, path = '']) => path);
  expect(modules.length).toBeGreaterThan(50);
  expect(modules.filter((path) => /@aws-sdk|@smithy/.test(path))).toEqual([]);
  expect(modules.filter((path) => path.startsWith('node:'))).toEqual([]);
  const ours = modules
    .filter((path) => path.includes('/src/') && !path.includes('node_modules/'))
    .map((path) => path.replace(/^.*\/src\//, ''));
  expect(ours).toContain('workflows/index.ts');
  expect(ours.filter((path) => !MAY_BE_IN_IT.test(path))).toEqual([]);
}, 60_000);
