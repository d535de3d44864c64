import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { productionShells } from '../../support/shells.ts';

const execute = promisify(execFile);
const BOOT = new URL('../../../src/recipes/boot/boot.sh', import.meta.url);

/** By name: a script of a recipe, asked for its answer within 2 s. Each sleeps for a time that no other process here does. */
const SCRIPTS: Readonly<Record<string, string>> = {
  leaves: `sleep 3217 & echo '{"ok":true}'`,
  stays: `trap '' HUP; (sleep 3218; :) & echo '{"ok":true}'`,
  hangs: 'echo waiting; sleep 3219',
  fails: 'echo "no such file" >&2; exit 3',
  reads: `cat; echo '{"ok":true}'`,
};

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'answer-'));
  await mkdir(join(work, 'results/answers'), { recursive: true });
  for (const [name, script] of Object.entries(SCRIPTS)) {
    await mkdir(join(work, 'payload/recipes', name), { recursive: true });
    await writeFile(join(work, 'payload/recipes', name, 'detect.sh'), `${script}\n`);
  }
  const text = await readFile(BOOT, 'utf8');
  const functions = text.slice(text.indexOf('# What ends whoever'), text.indexOf('write_results() {'));
  await writeFile(join(work, 'ask.sh'), `WORK=$1\n${functions}\nanswer "$2" detect 2\necho "$? $session"\n`);
}, 120_000);
afterAll(() => rm(work, { recursive: true, force: true }));

/** What boot.sh's own function says of it, under this host's sh or a guest's busybox. */
async function ask(name: string, shell: readonly string[]) {
  const [program = 'sh', ...args] = shell;
  const { stdout } = await execute(program, [...args, join(work, 'ask.sh'), work, name]);
  const result = async (kind: string) =>
    (await readFile(join(work, `results/answers/${name}.detect.${kind}`))).toString();
  return { said: stdout.trim(), json: await result('json'), log: await result('log'), status: await result('status') };
}

async function sleepers(): Promise<string> {
  const { stdout } = await execute('sh', ['-c', 'ps -eo args | grep "[s]leep 32[0-9][0-9]" || true']);
  return stdout.trim();
}

test.each(['leaves', 'stays', 'hangs'])('of a script that %s nothing runs when its answer is taken', async (name) => {
  for (const shell of await productionShells()) {
    const { said, status } = await ask(name, shell);
    expect(await sleepers()).toBe('');
    expect(said).toContain(status.trim());
    // GNU timeout says 124, busybox what a shell says of SIGTERM.
    expect(status.trim()).toMatch(name === 'hangs' ? /^(124|143)$/ : /^0$/);
  }
});

test('a script has its status, its words on both outputs, and no input', async () => {
  for (const shell of await productionShells()) {
    expect(await ask('fails', shell)).toMatchObject({ status: '3\n', log: 'no such file\n' });
    expect(await ask('reads', shell)).toMatchObject({ status: '0\n', json: '{"ok":true}\n' });
  }
});
