import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startMachine } from '../../../src/qemu/start-machine.ts';
import { temporaryFolder } from '../../support/vault-fixture.ts';
import { waitFor } from '../../support/wait-for.ts';

test('a machine that cannot start fails with what QEMU said, at once', async () => {
  const monitor = join(await temporaryFolder(), 'm');
  const args = ['-c', 'echo "qemu: no such disk" >&2; exit 1'];
  await expect(startMachine({ qemu: '/bin/sh', args, monitor })).rejects.toMatchObject({
    code: 'MachineFailed',
    message: expect.stringContaining('no such disk'),
  });
});

test('a machine that crashes fails with the signal that ended it', async () => {
  const monitor = join(await temporaryFolder(), 'm');
  await expect(startMachine({ qemu: '/bin/sh', args: ['-c', 'kill -SEGV $$'], monitor })).rejects.toMatchObject({
    code: 'MachineFailed',
    message: 'QEMU ended by SIGSEGV: without a word',
  });
});

test('a machine whose monitor does not open is told with what it said, and does not stay', async () => {
  const folder = await temporaryFolder();
  const args = ['-c', `echo $$ > ${folder}/pid; echo "qemu: waiting" >&2; exec sleep 60`];
  const started = startMachine({ qemu: '/bin/sh', args, monitor: join(folder, 'm'), monitorLimitMs: 1_000 });
  await expect(started).rejects.toMatchObject({
    code: 'MachineFailed',
    message: 'QEMU opened no monitor: qemu: waiting',
  });
  const pid = readPid(join(folder, 'pid'));
  expect([pid === undefined, existsSync(`/proc/${pid}`)]).toEqual([false, false]);
});

test('a machine ends with the process that started it, even if that is killed', async () => {
  const folder = await temporaryFolder();
  const module = new URL('../../../src/qemu/start-machine.ts', import.meta.url).href;
  const script = `const { startMachine } = await import('${module}');
    await startMachine({ qemu: '/bin/sh', args: ['-c', 'echo $$ > ${folder}/pid; exec sleep 60'], monitor: '${folder}/m' });`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  const pid = await waitFor(async () => readPid(join(folder, 'pid')), { limitMs: 20_000, what: 'a machine' });
  parent.kill('SIGKILL');
  await waitFor(async () => (existsSync(`/proc/${pid}`) ? undefined : true), { limitMs: 5_000, what: 'its end' });
});

function readPid(file: string): string | undefined {
  const pid = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  return pid === '' ? undefined : pid;
}
