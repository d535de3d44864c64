import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/index.ts';

test('the example configuration of the repository is one that the product takes', async () => {
  const { config } = await loadConfig({ env: {}, cwd: fileURLToPath(new URL('../../../', import.meta.url)) });
  expect(Object.keys(config.plans)).toEqual(['nightly']);
});
