import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { BLOCK_BYTES } from '../block-source.ts';
import { BlockSet } from './block-set.ts';

/**
 * Prints `from to` of each stretch of data in the file at its standard input. Node has no lseek, so a program asks the
 * kernel: SEEK_DATA is 3, SEEK_HOLE 4, and ENXIO means that only a hole is left. Perl because Debian cannot be without
 * it (perl-base is essential). Not FIEMAP (filefrag): it leaves out data that has no place on the disk yet.
 */
const ASK = `my $at = 0;
for (;;) {
  my $data = sysseek(STDIN, $at, 3);
  last unless defined $data;
  my $hole = sysseek(STDIN, $data, 4);
  exit 3 unless defined $hole;
  print $data + 0, " ", ($at = $hole + 0), "\\n";
}
exit($!{ENXIO} ? 0 : 4);`;

/**
 * The blocks of a sparse file that may hold something; every other one is zeros. Undefined when nobody can say, and then
 * all of it must be read. A saving only: nothing else depends on it.
 */
export async function findDataBlocks(file: FileHandle, signal: AbortSignal): Promise<BlockSet | undefined> {
  const { size, blocks } = await file.stat();
  // A file with all its sectors has no holes worth asking for.
  if (blocks * 512 >= size) return undefined;
  // Synced first: file systems have told of holes where data was still on its way (OpenZFS issue 15526).
  await file.sync();
  const found = new BlockSet(Math.ceil(size / BLOCK_BYTES));
  return (await ask(file, found, signal)) ? found : undefined;
}

function ask(file: FileHandle, found: BlockSet, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const perl = spawn('perl', ['-e', ASK], { stdio: [file.fd, 'pipe', 'ignore'], signal });
    perl.on('error', () => resolve(false)); // not installed, or cancelled: whoever reads on will see the signal
    const { stdout } = perl;
    if (!stdout) return;
    createInterface({ input: stdout }).on('line', (line) => {
      const [from, to] = line.split(' ').map(Number);
      if (from !== undefined && to !== undefined)
        found.addRange(Math.floor(from / BLOCK_BYTES), Math.ceil(to / BLOCK_BYTES));
    });
    perl.on('close', (code) => resolve(code === 0));
  });
}
