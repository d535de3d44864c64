import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readScript } from '../../../../src/recipes/boot/scripts.ts';
import { inEachShell, shellFunction } from '../../../support/shells.ts';
import { temporaryFolder } from '../../../support/vault-fixture.ts';

const RUN_ID = '20261123T023107Z-9f2c01ab';
const OTHER_RUN = '20261123T023107Z-9f2c01ac';

/**
 * Functions of the boot script, on folders of the test in place of the machine's own. Nothing else of it may run here: it
 * powers off the machine that it runs in, and so would power_off without the caller's own systemctl and poweroff.
 */
async function functionsIn(folder: string): Promise<string> {
  const script = await readScript('boot.sh', RUN_ID);
  const names = ['say', 'find_scratch', 'settle', 'check_vfat', 'power_off'];
  const functions = names.map((name) => shellFunction(script, name));
  return `UNDERSTUDY_RUN=${RUN_ID}\nN=0\nDISK=\n${functions.join('')}`
    .replaceAll(/"\/dev\//g, `"${folder}/dev/`)
    .replaceAll(/\/(sys|proc)\//g, `${folder}/$1/`)
    .replaceAll('/run/systemd/', `${folder}/run/systemd/`)
    .replaceAll('/sbin/shutdown', 'poweroff')
    .replaceAll('DISK=/dev/', `DISK=${folder}/dev/`)
    .replaceAll('[ -b ', '[ -f ');
}

interface MachineFolders {
  readonly consoles: string;
  readonly disks: Readonly<Record<string, Uint8Array>>;
}

async function machine({ consoles, disks }: MachineFolders): Promise<string> {
  const folder = await temporaryFolder();
  for (const path of ['dev', 'sys/class/tty/console', 'sys/block'])
    await mkdir(join(folder, path), { recursive: true });
  if (consoles) await writeFile(join(folder, 'sys/class/tty/console/active'), `${consoles}\n`);
  for (const [name, bytes] of Object.entries(disks)) {
    await mkdir(join(folder, 'sys/block', name));
    await writeFile(join(folder, 'dev', name), bytes);
  }
  return folder;
}

/** 4 KiB as the controller writes them: lines, then zeros. */
function header(...lines: readonly string[]): Uint8Array {
  const bytes = Buffer.alloc(4096);
  bytes.write(lines.map((line) => `${line}\n`).join(''));
  return bytes;
}

test.each([
  ['plain', '{"step":"detected","ok":true}', '{"step":"detected","ok":true}'],
  ['with what a console could stumble over', 'a\u001b[2J\r\nb*$(reboot)`', 'a[2Jb*$(reboot)`'],
  ['too long', 'x'.repeat(1_200), 'x'.repeat(1_000 - `UNDERSTUDY ${RUN_ID} 1 `.length)],
])('a line that is %s is one line on every console', async (_, said, seen) => {
  await inEachShell(async (run) => {
    const folder = await machine({ consoles: 'tty0 ttyS0', disks: {} });
    await run(`${await functionsIn(folder)}\nsay "$1"`, [said]);
    for (const console of ['tty0', 'ttyS0'])
      expect(await readFile(join(folder, 'dev', console), 'utf8')).toBe(`\r\nUNDERSTUDY ${RUN_ID} 1 ${seen}\r\n`);
  });
});

test('a machine that names no console gets its lines on the first one', async () => {
  await inEachShell(async (run) => {
    const folder = await machine({ consoles: '', disks: {} });
    await run(`${await functionsIn(folder)}\nsay one`, []);
    expect(await readFile(join(folder, 'dev/console'), 'utf8')).toBe(`\r\nUNDERSTUDY ${RUN_ID} 1 one\r\n`);
  });
});

test('of all disks the one with the magic and this run is the scratch disk, and says what it holds', async () => {
  const disks = {
    nvme0n1: Uint8Array.from({ length: 4096 }, (_, n) => (n * 37) % 256),
    nvme1n1: header('USCRATCH1', OTHER_RUN, '1', 'other'),
    nvme2n1: header('USCRATCH2', RUN_ID, '2', 'newer'),
    nvme3n1: header('USCRATCH1', RUN_ID, '4711', 'abc123'),
    loop0: header('USCRATCH1', RUN_ID, '3', 'no disk'),
  };
  await inEachShell(async (run) => {
    const folder = await machine({ consoles: 'ttyS0', disks });
    const found = await run(`${await functionsIn(folder)}\nfind_scratch && echo "\${DISK##*/} $bytes $want"`, []);
    expect(found).toBe('nvme3n1 4711 abc123\n');
  });
});

test('without a disk of this run none is found', async () => {
  const disks = { nvme0n1: header('USCRATCH1', `${RUN_ID}x`, '1', 'longer'), nvme1n1: header('USCRATCH1', OTHER_RUN) };
  await inEachShell(async (run) => {
    const folder = await machine({ consoles: 'ttyS0', disks });
    expect(await run(`${await functionsIn(folder)}\nfind_scratch || echo "none, and '$DISK'"`, [])).toBe(
      "none, and ''\n",
    );
  });
});

const MOUNTING = ' 97 var-lib-mysql.mount start running';
const OWN = ' 88 cloud-final.service start running';
const BEHIND_US = ' 12 multi-user.target start waiting';

test.each([
  { what: 'nothing but this script and what waits for it', jobs: [[OWN, BEHIND_US]], slept: 0 },
  { what: 'a mount that takes two seconds', jobs: [[OWN, MOUNTING, BEHIND_US], [OWN, MOUNTING], [OWN]], slept: 2 },
  { what: 'a service without an end', jobs: [[OWN, MOUNTING]], step: 30, slept: 300 },
  { what: 'the same, where applications have less time', jobs: [[MOUNTING]], step: 30, ends: 60, slept: 60 },
  { what: 'no systemd', jobs: undefined, slept: 0 },
  {
    what: 'it runs in the one process of a newer cloud-init',
    unit: 'cloud-init-main',
    jobs: [[OWN]],
    step: 30,
    slept: 0,
  },
  { what: 'cloud-init is at work and an agent runs it', unit: 'amazon-ssm-agent', jobs: [[OWN], [OWN], []], slept: 2 },
])(
  'the script goes on when systemd starts nothing more: $what',
  async ({ unit = 'cloud-final', jobs, step = 1, ends = 3_600, slept }) => {
    // A clock of seconds that only sleeping moves; each second systemd has the jobs of that second, or those of the first.
    const stubs = [
      'date() { cat now; }',
      `sleep() { echo $(($(cat now) + ${step})) >now.next; mv now.next now; }`,
      'systemctl() { cat "jobs.$(cat now)" 2>/dev/null || cat jobs.0; }',
      'echo 0 >now',
    ];
    await inEachShell(async (run) => {
      const folder = await machine({ consoles: 'ttyS0', disks: {} });
      if (jobs) await mkdir(join(folder, 'run/systemd/system'), { recursive: true });
      await mkdir(join(folder, 'proc/self'), { recursive: true });
      await writeFile(join(folder, 'proc/self/cgroup'), `0::/system.slice/${unit}.service\n`);
      for (const [second, lines] of (jobs ?? []).entries())
        await writeFile(join(folder, `jobs.${second}`), lines.map((line) => `${line}\n`).join(''));
      const text = ['cd "$1" || exit', ...stubs, await functionsIn(folder), `ends=${ends}`, 'settle', 'cat now'];
      expect(await run(text.join('\n'), [folder])).toBe(`${slept}\n`);
    });
  },
);

test('a vfat that was marked when it was mounted is unmounted and checked; one in use and other file systems are left alone', async () => {
  const mounts = [
    '/dev/nvme0n1p1 / ext4 rw,relatime 0 0',
    'systemd-1 /boot/efi autofs rw,relatime 0 0',
    '/dev/nvme0n1p15 /boot/efi vfat rw,relatime 0 0',
    '/dev/nvme1n1 /srv/busy vfat rw,relatime 0 0',
  ];
  const umount = 'umount() { echo "umount $*"; [ "$1" != /dev/nvme1n1 ]; }\n';
  await inEachShell(async (run) => {
    const folder = await machine({ consoles: 'ttyS0', disks: {} });
    await mkdir(join(folder, 'proc'));
    await writeFile(join(folder, 'proc/mounts'), mounts.map((line) => `${line}\n`).join(''));
    await writeFile(join(folder, 'fsck.vfat'), '#!/bin/sh\necho "fsck.vfat $*"\n', { mode: 0o755 });
    const PATH = `${folder}:${process.env.PATH}`;
    await run(`cd "$1" || exit\n${umount}${await functionsIn(folder)}check_vfat`, [folder], { PATH });
    expect(await readFile(join(folder, 'vfat'), 'utf8')).toBe(
      'umount /dev/nvme0n1p15\nfsck.vfat -a /dev/nvme0n1p15\numount /dev/nvme1n1\n',
    );
  });
});

test.each([
  { what: 'systemd', knows: 0, asked: ['systemctl log-target console', 'systemctl poweroff'] },
  {
    what: 'an old systemd',
    knows: 1,
    asked: ['systemctl log-target console', 'systemd-analyze set-log-target console', 'systemctl poweroff'],
  },
  { what: 'another init', knows: undefined, asked: ['poweroff'] },
])('$what ends the machine, and systemd says on the console what it ends by force', async ({ knows, asked }) => {
  const stubs = [
    `systemctl() { echo "systemctl $*"; [ "$1" = poweroff ] || return ${knows}; }`,
    'analyze() { echo "systemd-analyze $*"; }',
    'poweroff() { echo "poweroff $*"; }',
    'sync() { :; }',
  ];
  await inEachShell(async (run) => {
    const folder = await machine({ consoles: 'ttyS0', disks: {} });
    if (knows !== undefined) await mkdir(join(folder, 'run/systemd/system'), { recursive: true });
    const functions = (await functionsIn(folder)).replaceAll('systemd-analyze', 'analyze'); // no name of a function
    const ran = await run(`${stubs.join('\n')}\n${functions}power_off true`, []);
    expect(ran.trim().split(/ *\n/)).toEqual(asked);
  });
});
