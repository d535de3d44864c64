import type { Fact } from '../contract/evidence.ts';
import type { FileReader } from '../disk/file-reader.ts';
import { DiskError } from '../errors.ts';
import type { Recipe } from './recipe.ts';

/** A recipe's clean fact; undefined when it has none. Disks that cannot be read make it `unknown`, never a crash. */
export async function readCleanFact(
  recipe: Recipe,
  rawParams: unknown,
  disk: FileReader,
  signal: AbortSignal,
): Promise<Fact | undefined> {
  if (recipe.cleanFact === undefined) return undefined;
  try {
    return await recipe.cleanFact(disk, recipe.params.parse(rawParams), signal);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { name: `${recipe.name} clean`, verdict: 'unknown', found: error.message.slice(0, 200) };
  }
}
