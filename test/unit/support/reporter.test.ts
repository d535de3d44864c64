import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('whatever did not pass counts as failed and is named: a difference, a skip, a broken hook, a broken file', () => {
  const script = fileURLToPath(new URL('../../support/outcomes/run.ts', import.meta.url));
  const { stdout } = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 60_000 });
  const lines = stdout.trim().split('\n');
  // Failed: the difference, the skipped test, the suite's hook and the test behind it, the file that does not load.
  expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ passed: 1, failed: 5 });
  for (const said of [
    'differs',
    'is skipped (skipped, which counts as failed)',
    'the hook broke',
    'the file does not load',
  ]) {
    expect(stdout).toContain(said);
  }
}, 60_000);
