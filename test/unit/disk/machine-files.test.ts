import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { findPaths } from '../../../src/disk/find-paths.ts';
import { openMachineFiles } from '../../../src/disk/machine-files.ts';
import { DiskError } from '../../../src/errors.ts';
import { ext4Image, mbrDisk } from '../../support/disk-images.ts';
import { memoryByteSource } from '../../support/file-byte-source.ts';

// mke2fs waits for the disk, which others use too.
vi.setConfig({ testTimeout: 60_000 });

const NEVER = new AbortController().signal;
const dir = mkdtempSync(join(tmpdir(), 'files-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const big = Uint8Array.from({ length: 700_000 }, (_, at) => (at * 7) & 0xff);
const many = Object.fromEntries(
  Array.from({ length: 400 }, (_, n) => [`var/many/file-${n}-with-a-long-name-to-fill-blocks`, String(n)]),
);

function machine(fstab: string, type: 'ext2' | 'ext3' | 'ext4' = 'ext4') {
  const root = ext4Image({
    dir,
    type,
    files: {
      'etc/fstab': fstab,
      'etc/link': '-> ../srv/app/data',
      'etc/absolute': '-> /srv/app/data/PG_VERSION',
      'etc/loop': '-> loop',
      'srv/below': 'hidden by the mount',
      'big.bin': big,
      ...many,
    },
    mib: 8,
  });
  const data = ext4Image({ dir, type, files: { 'app/data/PG_VERSION': '15\n' }, label: 'data' });
  return [
    { volumeId: 'vol-root', source: memoryByteSource(mbrDisk({ primary: root, logical: [] })) },
    { volumeId: 'vol-data', source: memoryByteSource(data) },
  ];
}

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

describe.each(['ext2', 'ext3', 'ext4'] as const)('%s', (type) => {
  test('files are found across mounts and links, and long ones arrive whole', async () => {
    const files = await openMachineFiles(machine('LABEL=data /srv ext4 defaults 0 2\n', type), NEVER);
    expect(text(await files.read('/srv/app/data/PG_VERSION', 10, NEVER))).toBe('15\n');
    expect(text(await files.read('/etc/link/PG_VERSION', 10, NEVER))).toBe('15\n');
    expect(text(await files.read('/etc/absolute', 10, NEVER))).toBe('15\n');
    expect(await files.read('/srv/below', 100, NEVER)).toBeUndefined();
    expect(await files.read('/big.bin', 1 << 20, NEVER)).toEqual(big);
    expect(await files.readTail('/big.bin', 10, NEVER)).toEqual({ size: big.length, bytes: big.slice(-10) });
    expect(await files.list('/var/many', NEVER)).toHaveLength(400);
  });
});

test.each(['LABEL=data', '/dev/nvme1n1', '/dev/xvdb', '/dev/sdb', '/dev/disk/by-label/data'])(
  'fstab may name a volume as %s',
  async (spec) => {
    const files = await openMachineFiles(machine(`${spec}\t/srv\text4\tdefaults 0 2`), NEVER);
    expect(text(await files.read('/srv/app/data/PG_VERSION', 10, NEVER))).toBe('15\n');
  },
);

test('a path below a mount whose volume is missing is an error, not an absent file', async () => {
  const files = await openMachineFiles(machine('LABEL=elsewhere /srv ext4 defaults 0 2'), NEVER);
  await expect(files.read('/srv/app', 10, NEVER)).rejects.toThrow(/cannot read \(LABEL=elsewhere\)/);
});

test('links that lead round and files beyond the limit are refused', async () => {
  const files = await openMachineFiles(machine(''), NEVER);
  await expect(files.read('/etc/loop', 10, NEVER)).rejects.toThrow(/round in links/);
  await expect(files.read('/big.bin', 1_000, NEVER)).rejects.toThrow(/700000 bytes/);
});

test('patterns find paths by their folders', async () => {
  const files = await openMachineFiles(machine('LABEL=data /srv ext4 defaults 0 2'), NEVER);
  expect(await findPaths(files, '/srv/*/d*a', NEVER)).toEqual(['/srv/app/data']);
  expect(await findPaths(files, '/nowhere/*', NEVER)).toEqual([]);
});

test('a machine whose root cannot be read says what is on the disk', async () => {
  const disks = [{ volumeId: 'vol-1', source: memoryByteSource(new Uint8Array(4 << 20)) }];
  await expect(openMachineFiles(disks, NEVER)).rejects.toThrow(/holds empty/);
});

test('any damage to the file systems ends in an answer or a DiskError', async () => {
  const disks = machine('LABEL=data /srv ext4 defaults 0 2');
  const root = await disks[0]?.source.readAt(0, disks[0].source.bytes, NEVER);
  if (!root) throw new Error('the root disk was made');
  // The first 300 KiB of the file system hold superblock, descriptors, inodes and folders.
  const mutation = fc.record({ at: fc.nat(300 << 10), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 200 }), async (mutations) => {
      const damaged = root.slice();
      for (const { at, bytes } of mutations) damaged.set(bytes, (1 << 20) + at);
      try {
        const files = await openMachineFiles(
          [{ volumeId: 'vol-root', source: memoryByteSource(damaged) }, ...disks.slice(1)],
          NEVER,
        );
        await files.read('/big.bin', 1 << 20, NEVER);
        await files.list('/var/many', NEVER);
        await files.read('/etc/link/PG_VERSION', 10, NEVER);
      } catch (error) {
        expect(error).toBeInstanceOf(DiskError);
      }
    }),
    { numRuns: 100 },
  );
}, 60_000);
