import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BLOCK_BYTES } from '../../../src/vault/index.ts';
import { runProgram, runShell } from '../../support/bare-shell.ts';
import { sameFiles } from '../../support/raw-image.ts';
import { temporaryFolder } from '../../support/vault-fixture.ts';
import { ageIdentity } from '../../support/vault-keys.ts';

const MIB = 2 ** 20;

interface Given {
  readonly folder: string;
  readonly image: string;
  readonly url: string;
}

/** A vault in a folder with one image in it. */
async function archived(bytes: number): Promise<Given> {
  const folder = await temporaryFolder();
  const [image, url] = [join(folder, 'disk.img'), `file://${folder}/vault`];
  await writeFile(join(folder, 'key'), `${'42'.repeat(32)}\n`);
  await writeFile(join(folder, 'other-key'), `${'43'.repeat(32)}\n`);
  await writeFile(image, randomBytes(bytes));
  const run = (...args: string[]) => runProgram([...args, '--key-file', 'key'], { cwd: folder });
  expect(await run('vault', 'init', url)).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await run('vault', 'put', image, url, '--machine', 'm1')).toMatchObject({ exitCode: 0 });
  return { folder, image, url };
}

interface Line {
  readonly type: string;
  readonly [field: string]: unknown;
}

const linesOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

test('a recovery that is killed goes on where it was, and the image is whole', async () => {
  const { folder, image, url } = await archived(192 * MIB);
  const args = ['recover', url, 'latest', '--to', 'out', '--key-file', 'key', '--json'];
  const killed = await runProgram(args, {
    cwd: folder,
    onLine: (line, child) => {
      if (line.includes('"progress"')) child.kill('SIGKILL');
    },
  });
  expect(killed.signal).toBe('SIGKILL');
  expect(await readdir(join(folder, 'out'))).toEqual(['disk0.raw.partial', 'manifest.json']);
  const { exitCode, stdout } = await runProgram(args, { cwd: folder });
  const lines = linesOf(stdout);
  const item = lines.find(({ type }) => type === 'item');
  expect(exitCode).toBe(0);
  expect(lines.at(-1)).toMatchObject({ type: 'result', ok: true, volumes: 1 });
  expect(Number(item?.bytesKept)).toBeGreaterThanOrEqual(BLOCK_BYTES);
  expect(Number(item?.bytesKept) + Number(item?.bytesWritten)).toBe(192 * MIB);
  expect(await sameFiles(image, join(folder, 'out', 'disk0.raw'))).toBe(true);
});

test('Ctrl-C ends with 130, says what stays, and leaves a file to go on with', async () => {
  const { folder, url } = await archived(128 * MIB);
  const args = ['vault', 'get', url, 'latest', 'out.img', '--key-file', 'key', '--json'];
  const stopped = await runProgram(args, {
    cwd: folder,
    onLine: (line, child) => {
      if (line.includes('"progress"')) child.kill('SIGINT');
    },
  });
  expect(stopped.exitCode).toBe(130);
  expect(stopped.stderr).toContain('the same command goes on with it');
  expect(linesOf(stopped.stdout).at(-1)).toMatchObject({ type: 'result', ok: false, code: 'Interrupted' });
  expect(await runProgram(args, { cwd: folder })).toMatchObject({ exitCode: 0 });
});

test('of two that write one image at once the second is refused, and the image is what the first one was asked for', async () => {
  const { folder, image, url } = await archived(128 * MIB);
  const other = join(folder, 'other.img');
  await writeFile(other, randomBytes(128 * MIB));
  const put = await runProgram(['vault', 'put', other, url, '--key-file', 'key', '--machine', 'm2'], { cwd: folder });
  expect(put.exitCode).toBe(0);
  const args = ['vault', 'get', url, 'latest', 'out.img', '--key-file', 'key', '--json'];
  let second: ReturnType<typeof runProgram> | undefined;
  const first = await runProgram([...args, '--machine', 'm1'], {
    cwd: folder,
    onLine: (line, child) => {
      if (second || !line.includes('"progress"')) return;
      child.kill('SIGSTOP'); // else it may have ended before the second one looks
      second = runProgram([...args, '--machine', 'm2'], { cwd: folder }).finally(() => child.kill('SIGCONT'));
    },
  });
  expect(await second).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/another process.* writes it/) });
  expect(first.exitCode).toBe(0);
  expect(await sameFiles(image, join(folder, 'out.img'))).toBe(true);
});

test('a point that cannot be read is listed with those of every machine, and latest does not pass over it in silence', async () => {
  const { folder, url } = await archived(MIB);
  const torn = '20990101T000000Z-00000000';
  await writeFile(join(folder, 'vault', 'points', `${torn}.json`), 'torn');
  const run = (...args: string[]) => runProgram([...args, '--machine', 'm1', '--key-file', 'key'], { cwd: folder });
  expect((await run('recover', url)).stdout).toMatch(new RegExp(`^${torn}  invalid: `));
  const told = { exitCode: 0, stderr: expect.stringContaining(`passed over  ${torn} is newer and cannot be read: `) };
  expect(await run('recover', url, 'latest', '--to', 'out')).toMatchObject(told);
  expect(await run('vault', 'get', url, 'latest', 'out.img')).toMatchObject(told);
});

test('with the wrapping key lost, the offline identity lists, recovers and inspects', async () => {
  const folder = await temporaryFolder();
  const { path: identity, recipient } = await ageIdentity();
  const url = `file://${folder}/vault`;
  await writeFile(join(folder, 'key'), `${'42'.repeat(32)}\n`);
  await writeFile(join(folder, 'disk.img'), randomBytes(3 * MIB + 77));
  const setUp = [
    `understudy vault init '${url}' --key-file key --recipient ${recipient.keyId}`,
    `understudy vault put disk.img '${url}' --key-file key`,
    'rm key',
  ];
  expect(await runShell(setUp.join(' && '), folder)).toMatchObject({ exitCode: 0 });
  const run = (...args: string[]) => runProgram([...args, '--identity', identity], { cwd: folder });
  expect((await run('recover', url)).stdout).toContain('crash-consistent');
  expect(await run('recover', url, 'latest', '--to', 'out')).toMatchObject({ exitCode: 0 });
  expect(await sameFiles(join(folder, 'disk.img'), join(folder, 'out', 'disk0.raw'))).toBe(true);
  expect((await run('vault', 'inspect', url, 'vault.json')).stdout).toContain('verdict   proven');
});

test('mistakes have their exit code and say what was found', async () => {
  const { folder, url } = await archived(MIB);
  const run = (...args: string[]) => runProgram(args, { cwd: folder });
  const outcomes = [
    await run('recover', url, 'latest', '--to', 'out', '--key-file', 'other-key'),
    await run('recover', url, '20200101T000000Z-00000000', '--to', 'out', '--key-file', 'key'),
    await run('recover', url, 'latest', '--to', 'out'),
    await run('recover', url, 'latest', '--key-file', 'key'),
    await run('recover', `${url}-not-there`, '--key-file', 'key'),
    await run('vault', 'put', 'nothing.img', url, '--key-file', 'key'),
    await run('vault', 'get', url, 'latest', 'disk.img', '--key-file', 'key', '--volume', 'disk7'),
  ];
  expect(outcomes.map(({ exitCode, stderr }) => [exitCode, / {2}code {4}(\w+)/.exec(stderr)?.[1]])).toEqual([
    [1, 'KeyUnusable'],
    [1, 'PointMissing'],
    [2, 'InvalidInput'],
    [2, 'InvalidInput'],
    [1, 'VaultNotInitialized'],
    [1, 'SourceUnusable'],
    [2, 'InvalidInput'],
  ]);
});

test('a disk without room is refused before anything is written, with both numbers', async () => {
  const { folder, url } = await archived(16 * MIB);
  // A file system of 8 MiB of its own, which is gone with the shell.
  const inside = `mkdir small && mount -t tmpfs -o size=8m none small && understudy recover '${url}' latest --to small --key-file key`;
  await writeFile(join(folder, 'inside.sh'), inside);
  const { stdout, stderr } = await runShell(
    `export -f understudy; unshare --user --map-root-user --mount bash -e inside.sh; echo "exit $?"`,
    folder,
  );
  expect(stdout).toBe('exit 1\n');
  expect(stderr).toMatch(/needs 16777216 bytes and the file system of small has \d+ free/);
  expect(stderr).toContain('TargetUnusable');
});

test('a disk that is full already is no place for a manifest cut short; once there is room the same command goes on', async () => {
  const { folder, url } = await archived(MIB);
  const inside = [
    'mkdir small && mount -t tmpfs -o size=8m none small',
    'dd if=/dev/zero of=small/filler bs=64k status=none || true',
    `recover() { understudy recover '${url}' latest --to small/out --key-file key; }`,
    'recover || ls small/out',
    'rm small/filler',
    'recover && ls small/out',
  ];
  await writeFile(join(folder, 'inside.sh'), inside.join('\n'));
  const { stdout, stderr } = await runShell(
    'export -f understudy; unshare --user --map-root-user --mount bash -e inside.sh',
    folder,
  );
  expect(stderr).toContain('the disk is full');
  expect(stdout).toMatch(/^proven {2}small\/out\/disk0.raw .*\nrecovered .*\ndisk0.raw\nmanifest.json\n$/);
});

test('a block device is archived, and written over only when that is asked for', async () => {
  const { folder, image, url } = await archived(8 * MIB);
  const { stdout: device } = await runShell(`cp '${image}' target.img; losetup -f --show target.img`, folder);
  const path = device.trim() || join(folder, 'plain.img');
  try {
    const put = await runShell(
      `understudy vault put ${device ? path : image} '${url}' --machine dev --key-file key`,
      folder,
    );
    expect(put).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('dev disk0  8.0 MiB') });
    if (device) {
      await runShell(`head -c 3000000 /dev/urandom | dd of=${path} conv=notrunc status=none`, folder);
      const refused = await runShell(`understudy vault get '${url}' latest ${path} --key-file key`, folder);
      expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--overwrite-device') });
    }
    const get = `understudy vault get '${url}' latest ${path} --key-file key --read-back --overwrite-device`;
    expect(await runShell(get, folder)).toMatchObject({ exitCode: 0 });
    expect(await runShell(`cmp ${path} '${image}'`, folder)).toMatchObject({ exitCode: 0, stdout: '' });
  } finally {
    if (device) await runShell(`losetup -d ${path}`, folder);
  }
});

test('every step of docs/operations/recover.md does what the page shows', async () => {
  const folder = await temporaryFolder();
  for (const { command, output } of stepsOf('docs/operations/recover.md')) {
    const { stdout } = await runShell(command, folder);
    expect(`${command}\n${sameForAll(stdout, folder)}`).toBe(`${command}\n${sameForAll(output, '/home/you')}`);
  }
}, 300_000);

function stepsOf(page: string): { command: string; output: string }[] {
  const text = readFileSync(new URL(`../../../${page}`, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = '', ...output] = step.split('\n');
        return { command, output: output.join('\n') };
      }),
  );
}

/** Ids and times differ with every run. */
function sameForAll(text: string, folder: string): string {
  return text
    .replaceAll(folder, '/home/you')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<vault>')
    .replace(/\d{8}T\d{6}Z-[0-9a-f]{8}/g, '<point>')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(\d+ \w+ ago\)/g, '<time>');
}
