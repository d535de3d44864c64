import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PAGE = readFileSync(join(ROOT, 'docs/operations/keys.md'), 'utf8');

interface Step {
  readonly command: string;
  /** What the page shows below it. */
  readonly shown: readonly string[];
}

function stepsOf(page: string): readonly Step[] {
  const steps: { command: string; shown: string[] }[] = [];
  for (const [, block = ''] of page.matchAll(/```console\n([\s\S]*?)```/g)) {
    for (const line of block.split('\n').filter((each) => each !== '')) {
      if (line.startsWith('$ ')) steps.push({ command: line.slice(2), shown: [] });
      else steps.at(-1)?.shown.push(line);
    }
  }
  return steps;
}

/** The page's placeholders, `<uuid>` and the like, stand for what differs each time. */
function patternOf(line: string): RegExp {
  const parts = line.split(/<(?:uuid|folder|text|time)>/).map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('\\S+')}$`, 'm');
}

test('the steps of the page, typed one after another, show what the page says', { timeout: 300_000 }, async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'understudy-keys-'));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  const bin = mkdtempSync(join(tmpdir(), 'understudy-bin-'));
  onTestFinished(() => rmSync(bin, { recursive: true, force: true }));
  symlinkSync(join(ROOT, 'bin/understudy.mjs'), join(bin, 'understudy'));
  symlinkSync(process.execPath, join(bin, 'node'));
  const env = { ...process.env, PATH: [bin, process.env.PATH].join(delimiter) };
  const steps = stepsOf(PAGE);
  expect(steps.length).toBeGreaterThan(14);
  for (const { command, shown } of steps) {
    const run = promisify(execFile)('bash', ['-o', 'pipefail', '-c', command], { cwd, env, maxBuffer: 1 << 22 });
    const { stdout, stderr } = await run;
    for (const line of shown) expect(`${stdout}${stderr}`, command).toMatch(patternOf(line));
  }
});
