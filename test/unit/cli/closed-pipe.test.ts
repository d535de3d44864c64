import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const CLI = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

test('a reader that has seen enough ends the command without a word', async () => {
  const child = spawn(process.execPath, [CLI, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy(); // as `head` does once it has its line
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  expect({ code, said }).toEqual({ code: 141, said: '' });
});

test('a standard output that cannot be written is told in one line, and the command has failed', async () => {
  const full = await open('/dev/full', 'w');
  const child = spawn(process.execPath, [CLI, '--help'], { stdio: ['ignore', full.fd, 'pipe'] });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  await full.close();
  expect({ code, said }).toEqual({ code: 1, said: 'understudy: standard output cannot be written (ENOSPC)\n' });
});

test('a standard error that cannot be written does not end a command', async () => {
  const full = await open('/dev/full', 'w');
  const child = spawn(process.execPath, [CLI, 'points', '--no-such-option'], { stdio: ['ignore', 'ignore', full.fd] });
  const [code] = await once(child, 'close');
  await full.close();
  // As with a standard error that takes what is told: wrong usage.
  expect(code).toBe(2);
});
