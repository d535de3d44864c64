import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assembleCommand, readScript } from '../../../../src/recipes/boot/scripts.ts';

const RUN_ID = '20261123T023107Z-9f2c01ab';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'understudy-claim-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The claim in a folder of the test instead of /run, and then a word. */
async function claim(): Promise<string> {
  const script = `${(await readScript('claim.sh', RUN_ID)).replaceAll('/run', folder)}\necho mine\n`;
  return (await promisify(execFile)('sh', ['-c', script])).stdout;
}

test('of commands that arrive at once, one claims the machine and the others do nothing', async () => {
  const said = await Promise.all(Array.from({ length: 8 }, claim));
  expect(said.filter((text) => text === 'mine\n')).toHaveLength(1);
  expect(said.filter((text) => text.includes('claimed by an earlier command'))).toHaveLength(7);
  expect(await readdir(folder)).toEqual([`understudy-${RUN_ID}`]);
});

test('a claim that cannot be made runs nothing, and fails', async () => {
  const script = (await readScript('claim.sh', RUN_ID)).replaceAll('/run', '/proc/nowhere');
  await expect(promisify(execFile)('sh', ['-c', `${script}\necho mine\n`])).rejects.toMatchObject({
    code: 1,
    stdout: '',
  });
});

test('the command is the claim and the boot script of one run, with nothing that Systems Manager would fill in', async () => {
  const script = await assembleCommand(RUN_ID);
  expect(script.match(/^UNDERSTUDY_RUN=.*$/gm)).toEqual(Array(2).fill(`UNDERSTUDY_RUN=${RUN_ID}`));
  expect(script).not.toContain('{{');
  // SendCommand takes 64 KB with everything around it.
  expect(script.length).toBeLessThan(32_768);
});
