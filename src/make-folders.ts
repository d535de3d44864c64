import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from './errors.ts';

/**
 * Makes a folder and those above it that are missing; resolves with the first one made, undefined where all are there.
 * Node's own `recursive` (24.21) never ends where a folder is there and takes no others, as below /proc, and calls a link to a disk
 * that is not mounted ENOTDIR. Here both are ENOENT, as of mkdir(2).
 */
export async function makeFolders(
  path: string,
  { mode }: { readonly mode?: number | undefined } = {},
): Promise<string | undefined> {
  try {
    return (await makeFolder(path, mode)) ? path : undefined;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
  }
  const first = await makeFolders(dirname(path), { mode });
  return (await makeFolder(path, mode)) ? (first ?? path) : first;
}

/** False where it is there, also when somebody else has just made it. */
async function makeFolder(path: string, mode: number | undefined): Promise<boolean> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    // A link that leads nowhere is there for mkdir(2), and not for whoever wants to use it: stat(2) says ENOENT.
    if (systemCode(error) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
    return false;
  }
}
