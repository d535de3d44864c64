import { open } from 'node:fs/promises';
import { ConfigurationError } from '../../errors.ts';
import { countBlocks } from '../parameters.ts';
import { BlockSet } from './block-set.ts';

/**
 * Reads a list of changed blocks as programs that track changes write it: one block number, or `first-last`, per line;
 * blocks are 512 KiB and count from 0. Empty lines and lines that begin with `#` are skipped.
 */
export async function readChangedBlocks(path: string, volumeBytes: number): Promise<BlockSet> {
  const blocks = new BlockSet(countBlocks(volumeBytes));
  const file = await open(path).catch((cause: unknown) => {
    throw new ConfigurationError('InvalidInput', `the list of changed blocks ${path} cannot be read`, { cause });
  });
  try {
    let number = 0;
    for await (const line of file.readLines()) addLine(blocks, line, `${path}, line ${++number}`);
    return blocks;
  } finally {
    await file.close();
  }
}

function addLine(blocks: BlockSet, line: string, where: string): void {
  if (/^\s*(#|$)/.test(line)) return;
  const [, first, last = first] = /^\s*(\d{1,10})(?:-(\d{1,10}))?\s*$/.exec(line) ?? [];
  if (first === undefined || Number(first) > Number(last) || Number(last) >= blocks.blocks) {
    const message = `${where}: '${line.slice(0, 100)}' is no block (0 to ${blocks.blocks - 1}) and no range first-last of blocks`;
    throw new ConfigurationError('InvalidInput', message);
  }
  blocks.addRange(Number(first), Number(last) + 1);
}
