import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openMachineTree } from '../../../src/disk/tree/machine-tree.ts';
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
