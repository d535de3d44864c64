import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { findGuest, type GuestImage } from '../../../../local/guest/build.mjs';
import { guestImage } from '../../../support/guest-image.ts';

const execute = promisify(execFile);
const ROOT_OFFSET = 1 << 20;

let guest: GuestImage;

beforeAll(async () => {
  guest = await guestImage();
}, 120_000);

const inRoot = (command: string) => debugfs(`${guest.root}?offset=${ROOT_OFFSET}`, command);

async function debugfs(image: string, command: string): Promise<string> {
  return (await execute('debugfs', ['-R', command, image])).stdout;
}

async function superblock(image: string): Promise<string> {
  return (await execute('dumpe2fs', ['-h', image])).stdout;
}

test('a folder without a finished image gives none, so that a killed build is never taken for one', async () => {
  const cacheDir = await mkdtemp(join(tmpdir(), 'guest-cache-'));
  const half = join(cacheDir, 'guest', guest.key);
  await mkdir(half, { recursive: true });
  await writeFile(join(half, 'root.img'), '');
  expect(await findGuest({ cacheDir })).toBeUndefined();
  await copyFile(join(guest.dir, 'guest.json'), join(half, 'guest.json'));
  expect((await findGuest({ cacheDir }))?.key).toBe(guest.key);
  await rm(cacheDir, { recursive: true });
});

test('the root volume has one active Linux partition at 1 MiB, and the boot loader names it by its id', async () => {
  const sector = Buffer.alloc(512);
  const file = await open(guest.root);
  await file.read(sector, 0, 512, 0);
  const { size } = await file.stat();
  await file.close();
  expect(sector.readUInt16LE(510)).toBe(0xaa55);
  expect([sector[446], sector[450]]).toEqual([0x80, 0x83]);
  expect(sector.readUInt32LE(454) * 512).toBe(ROOT_OFFSET);
  expect((sector.readUInt32LE(454) + sector.readUInt32LE(458)) * 512).toBe(size);
  expect(sector.subarray(462, 510).every((byte) => byte === 0)).toBe(true);
  const id = sector.readUInt32LE(440).toString(16).padStart(8, '0');
  expect(await inRoot('cat /boot/grub/grub.cfg')).toContain(` root=PARTUUID=${id}-01 `);
});

test('both file systems are clean and carry the labels that fstab names', async () => {
  const fstab = await inRoot('cat /etc/fstab');
  const volumes = [
    { image: `${guest.root}?offset=${ROOT_OFFSET}`, label: 'root', point: '/' },
    { image: guest.data, label: 'data', point: '/var/lib/postgresql' },
  ];
  for (const { image, label, point } of volumes) {
    const facts = await superblock(image);
    expect(facts).toMatch(new RegExp(`^Filesystem volume name: +${label}$`, 'm'));
    expect(facts).toMatch(/^Filesystem state: +clean$/m);
    expect(facts).not.toMatch(/needs_recovery/);
    expect(fstab).toMatch(new RegExp(`^LABEL=${label} +${point} +ext4`, 'm'));
  }
});

test('nobody can log in: no account has a password', async () => {
  expect(await inRoot('cat /etc/shadow')).toBe('root:*:19000:0:99999:7:::\n');
});

test('only the bank is open to the network, and PostgreSQL writes as durably as it does by default', async () => {
  const main = `/${guest.postgresqlMajor}/main`;
  const rules = (await debugfs(guest.data, `cat ${main}/pg_hba.conf`)).split('\n').filter((line) => /^host/.test(line));
  expect(rules.map((line) => line.split(/\s+/).slice(0, 4))).toEqual([['host', 'bank', 'app', '0.0.0.0/0']]);
  const settings = `${await debugfs(guest.data, `cat ${main}/postgresql.conf`)}${await inRoot('cat /etc/postgresql.conf')}`;
  expect(settings).not.toMatch(/^\s*(fsync|synchronous_commit|full_page_writes)\s*=/m);
});
