import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from '../../../setup/lock.mjs';
import { readProcessIdentity } from '../../../setup/process-identity.mjs';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'understudy-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('two who want a lock have it one after the other, and nothing is left of it', async () => {
  const events: string[] = [];
  const hold = (name: string) =>
    withLock(join(folder, 'lock'), async () => {
      events.push(`${name} in`);
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`${name} out`);
    });
  await Promise.all([hold('a'), hold('b')]);
  expect(events.map((event) => event.split(' ')[1])).toEqual(['in', 'out', 'in', 'out']);
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  { holder: 'a process that has ended', text: JSON.stringify({ pid: 1, startTicks: 'never', bootId: 'b' }) },
  { holder: 'nobody: the file is damaged', text: '{"pid"' },
])('a lock held by $holder is taken over', async ({ text }) => {
  await writeFile(join(folder, 'lock'), text);
  expect(await withLock(join(folder, 'lock'), async () => 'done')).toBe('done');
  expect(await readdir(folder)).toEqual([]);
});

test('a lock held by a live process is waited for up to the limit, and the message names the process', async () => {
  const holder = spawn('sleep', ['100']);
  const waitedFor: number[] = [];
  try {
    await writeFile(join(folder, 'lock'), JSON.stringify(readProcessIdentity(holder.pid ?? 0)));
    const attempt = withLock(join(folder, 'lock'), async () => 'never', {
      onWait: (pid) => waitedFor.push(pid),
      waitLimitMs: -1, // over before the first look, as on a busy machine
    });
    await expect(attempt).rejects.toThrow(`process ${holder.pid}`);
    expect(waitedFor).toEqual([holder.pid]);
  } finally {
    holder.kill();
  }
});

test('work that fails releases the lock', async () => {
  const failing = withLock(join(folder, 'lock'), () => Promise.reject(new Error('broken')));
  await expect(failing).rejects.toThrow('broken');
  expect(await readdir(folder)).toEqual([]);
});
