import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { ByteSource } from '../../../src/disk/byte-source.ts';
import { openMachineTree } from '../../../src/disk/tree/machine-tree.ts';
import { VaultError } from '../../../src/errors.ts';
import { tellUnread } from '../../../src/search/tell-unread.ts';
import { ext4Image, mbrDisk } from '../../support/disk-images.ts';
import { memoryByteSource } from '../../support/file-byte-source.ts';
import { NEVER } from '../../support/vault-fixture.ts';

const dir = mkdtempSync(join(tmpdir(), 'unread-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('what fstab does not mount is told with what shows it, and so is what cannot be read', async () => {
  const root = ext4Image({ dir, files: { 'etc/fstab': 'LABEL=data /srv ext4 defaults 0 2\n' } });
  const [data, other] = ['data', 'other'].map((label) => ext4Image({ dir, files: { file: label }, label }));
  const source = memoryByteSource;
  const disks = [
    { volumeId: 'vol-root', source: source(mbrDisk({ primary: root, logical: [other ?? root] })) },
    { volumeId: 'vol-data', source: source(data ?? root) },
    { volumeId: 'vol-more', source: source(other ?? root) },
    { volumeId: 'vol-odd', source: source(new Uint8Array(1 << 20).fill(7)) },
  ];
  const told: string[] = [];
  tellUnread(await openMachineTree(disks, NEVER), (line) => void told.push(line));
  expect(told).toEqual([
    'elsewhere  vol-root partition 5 is not in /etc/fstab; see it with understudy mount',
    'elsewhere  vol-more is not in /etc/fstab; see it with --volume vol-more',
    expect.stringMatching(/^not read {2}vol-odd: /),
  ]);
});

/** A disk of which the vault has lost the block with this text, or its first one. */
function withoutBlock(bytes: Uint8Array, text?: string): ByteSource {
  const lost = text === undefined ? 0 : Buffer.from(bytes).indexOf(text);
  const whole = memoryByteSource(bytes);
  return {
    ...whole,
    async readAt(offset, length, signal) {
      if (offset <= lost && lost < offset + length) throw new VaultError('ObjectMissing', 'a.pack does not exist');
      return whole.readAt(offset, length, signal);
    },
  };
}

test.each([
  {
    what: 'the block that holds fstab',
    text: 'LABEL=data',
    told: [
      'damaged  vol-root: /etc/fstab: a.pack does not exist; file systems are not shown where the machine mounts them',
      'elsewhere  vol-data is not in /etc/fstab; see it with --volume vol-data',
    ],
    files: ['/', '/etc', '/etc/fstab', '/hosts', '/lost+found'],
  },
  {
    what: 'the first block of a disk',
    text: undefined,
    told: ['not read  vol-root: a.pack does not exist'],
    files: ['/', '/file', '/lost+found'],
  },
])('a vault that has lost $what still shows everything else', async ({ text, told, files }) => {
  const root = ext4Image({ dir, files: { 'etc/fstab': 'LABEL=data /srv ext4 defaults 0 2\n', hosts: 'x' } });
  const data = ext4Image({ dir, files: { file: 'data' }, label: 'data' });
  const disks = [
    { volumeId: 'vol-root', source: withoutBlock(root, text) },
    { volumeId: 'vol-data', source: memoryByteSource(data) },
  ];
  const machine = await openMachineTree(disks, NEVER);
  const found: string[] = [];
  tellUnread(machine, (line) => void found.push(line));
  expect(found).toEqual(told);
  const top = await machine.find('/', NEVER);
  const walked: string[] = [];
  if (top) for await (const { path } of machine.walk(top, NEVER)) walked.push(path);
  expect(walked).toEqual(files);
});
