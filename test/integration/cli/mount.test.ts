import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram, runShell } from '../../support/bare-shell.ts';
import { sameFiles } from '../../support/raw-image.ts';
import { temporaryFolder } from '../../support/vault-fixture.ts';

const MIB = 2 ** 20;

/** A vault in a folder with one image of 64 MiB in it: data at both ends, a hole between them, an odd end. */
async function archived() {
  const folder = await temporaryFolder();
  const [image, url] = [join(folder, 'disk.img'), `file://${folder}/vault`];
  await writeFile(join(folder, 'key'), `${'42'.repeat(32)}\n`);
  await writeFile(image, randomBytes(6 * MIB));
  await truncate(image, 64 * MIB - 512);
  const file = await open(image, 'r+');
  await file.write(randomBytes(3 * MIB + 77), 0, 3 * MIB + 77, 60 * MIB);
  await file.close();
  const run = (...args: string[]) => runProgram([...args, '--key-file', 'key'], { cwd: folder });
  await run('vault', 'init', url);
  expect(await run('vault', 'put', image, url, '--machine', 'm1')).toMatchObject({ exitCode: 0 });
  return { folder, image, url };
}

interface Served {
  readonly uri: string;
  readonly socketPath: string;
}

/** Serves the latest point while `client` is at work, then presses Ctrl-C. */
async function whileMounted(
  { folder, url }: { folder: string; url: string },
  client: (served: Served) => Promise<void>,
) {
  let work: Promise<void> | undefined;
  const args = ['mount', 'latest', '--vault', url, '--machine', 'm1', '--key-file', 'key', '--cache', 'kept', '--json'];
  const ended = await runProgram(args, {
    cwd: folder,
    onLine: (line, child) => {
      const { type, uri, socketPath } = JSON.parse(line) as Served & { type: string };
      if (type !== 'item') return;
      work = client({ uri, socketPath }).finally(() => child.kill('SIGINT'));
      work.catch(() => {}); // awaited below
    },
  });
  await work;
  const lines = ended.stdout.trimEnd().split('\n');
  return { ...ended, result: JSON.parse(lines.at(-1) ?? '') as Record<string, unknown> };
}

test('foreign clients read a recovery point from the vault: facts, holes, and every byte of two copies', async () => {
  const given = await archived();
  const { folder, image } = given;
  let socket = '';
  const mounted = await whileMounted(given, async ({ uri, socketPath }) => {
    socket = socketPath;
    const shell = async (line: string) => {
      const ended = await runShell(line, folder);
      expect(ended, line).toMatchObject({ exitCode: 0 });
      return ended.stdout;
    };
    const { exports } = JSON.parse(await shell(`nbdinfo --json '${uri}'`));
    expect(exports[0]).toMatchObject({ is_read_only: true, 'export-size': 64 * MIB - 512, can_multi_conn: true });
    // 19 blocks are stored: 12 at the start, 7 at the end.
    expect(await shell(`nbdinfo --map --totals '${uri}'`)).toMatch(/9961472 .*data\s+57146880 .*hole,zero/);
    await shell(`nbdcopy '${uri}' copied.img`);
    await shell(`qemu-img convert -O raw '${uri}' converted.img`);
    expect(await shell(`qemu-img compare -f raw -F raw '${uri}' disk.img`)).toContain('identical');
    expect((await runShell(`qemu-io -f raw -c 'write 0 512' '${uri}'`, folder)).stderr).toContain('Permission denied');
  });
  expect(mounted).toMatchObject({ exitCode: 0, result: { type: 'result', ok: true } });
  expect(await sameFiles(image, join(folder, 'copied.img'))).toBe(true);
  expect(await sameFiles(image, join(folder, 'converted.img'))).toBe(true);
  // Everything was fetched once, however many read it; the socket and its folder are gone.
  expect(Number(mounted.result.bytesFetched)).toBeLessThan(10.5 * MIB);
  expect(existsSync(socket)).toBe(false);
});

test('a damaged block is an input/output error for its range, is told with its object, and the rest is read', async () => {
  const given = await archived();
  const { folder } = given;
  const runs = join(folder, 'vault/runs');
  const [runId = ''] = await readdir(runs);
  const [pack = ''] = await readdir(join(runs, runId, 'packs'));
  const path = join(runs, runId, 'packs', pack);
  const bytes = await readFile(path);
  bytes[100] = (bytes[100] ?? 0) ^ 1; // within the first block
  await writeFile(path, bytes);
  const mounted = await whileMounted(given, async ({ uri }) => {
    const read = (range: string) => runShell(`qemu-io -r -f raw -c 'read ${range}' '${uri}'`, folder);
    expect((await read('512k 5632k')).stdout).toContain('read 5767168/5767168');
    expect((await read('60M 3M')).stdout).toContain('read 3145728/3145728');
    expect((await read('511k 1k')).stdout).toContain('Input/output error');
  });
  expect(mounted.stderr).toMatch(new RegExp(`unreadable {2}disk0, 1\\.0 KiB at byte 523264: .*${pack}: block 0`));
  expect(mounted.exitCode).toBe(0);
});

test('people are told where it is and what to type; a taken port and an unknown volume are wrong usage', async () => {
  const { folder, url } = await archived();
  const args = ['mount', 'latest', '--vault', url, '--key-file', 'key'];
  const told = await runProgram([...args, '--port', '0'], {
    cwd: folder,
    onLine: (line, child) => {
      if (line.includes('nbd://127.0.0.1:')) child.kill('SIGTERM');
    },
  });
  expect(told.exitCode).toBe(0);
  expect(told.stdout).toMatch(
    /^serving {2}\d{8}T\d{6}Z-\w{8} of m1, captured .*, read-only\n {2}nbd:\/\/127.0.0.1:\d+\/disk0 {2}/,
  );
  expect(told.stderr).toMatch(/qemu-nbd --read-only .* 'nbd:\/\/127.0.0.1:\d+\/disk0'/);
  expect(await runProgram([...args, '--socket', 'disk.img'], { cwd: folder })).toMatchObject({ exitCode: 2 });
  expect(await runProgram([...args, '--volume', 'disk7'], { cwd: folder })).toMatchObject({ exitCode: 2 });
});
