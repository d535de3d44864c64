import { expect, test } from 'vitest';
import { openMachineTree } from '../../../../src/disk/tree/machine-tree.ts';
import { memoryByteSource } from '../../../support/file-byte-source.ts';
import { NEVER } from '../../../support/vault-fixture.ts';

/** An XFS's first block holds this word first (xfs_sb.sb_magicnum); the rest is left empty. */
const XFS_MAGIC = 'XFSB';

function diskWith(text: string) {
  const bytes = Buffer.alloc(2 ** 20);
  bytes.write(text, 'latin1');
  return memoryByteSource(bytes);
}

test.each([
  {
    what: 'a file system that no reader knows',
    text: XFS_MAGIC,
    says: /can be read: vol-1: xfs: its files are not read/,
  },
  { what: 'nothing', text: '', says: /can be read: its disks hold none$/ },
])('looking for a file on a disk that holds $what says why there is none', async ({ text, says }) => {
  const machine = await openMachineTree([{ volumeId: 'vol-1', source: diskWith(text) }], NEVER);
  await expect(machine.find('/etc', NEVER)).rejects.toThrow(says);
});
