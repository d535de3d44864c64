import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const COVERAGE = fileURLToPath(new URL('../../coverage.ts', import.meta.url));

test('every branch of the codecs and of the collector is tested by their own tests', async () => {
  // Without what this very run has set: the other is one of its own.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_V8)/.test(name)));
  const { stdout } = await promisify(execFile)(process.execPath, [COVERAGE], { env });
  expect(stdout).toMatch(/All files/);
}, 180_000);
