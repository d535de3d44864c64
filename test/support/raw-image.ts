import { open, readFile, stat } from 'node:fs/promises';
import { BLOCK_BYTES } from '../../src/vault/index.ts';

/** A sparse file of `bytes` bytes with some blocks written; what lies beyond its end is cut off. */
export async function writeImage(
  path: string,
  bytes: number,
  blocks: ReadonlyMap<number, Uint8Array>,
): Promise<string> {
  const file = await open(path, 'w');
  await file.truncate(bytes);
  for (const [index, block] of blocks) {
    const at = index * BLOCK_BYTES;
    await file.write(block, 0, Math.min(block.length, bytes - at), at);
  }
  await file.close();
  return path;
}

export async function sameFiles(a: string, b: string): Promise<boolean> {
  return Buffer.compare(await readFile(a), await readFile(b)) === 0;
}

/** What it takes on the disk. */
export async function allocatedBytes(path: string): Promise<number> {
  return (await stat(path)).blocks * 512;
}
