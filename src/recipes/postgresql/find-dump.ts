import type { Entry, FileTree } from '../../disk/tree/file-tree.ts';
import { shownBytes } from '../../disk/tree/shown-bytes.ts';
import { ConfigurationError } from '../../errors.ts';

/** PostgreSQL cuts names at 63 bytes; a longer file is none of the agent's. */
const MAX_NAME_BYTES = 64;

/**
 * The dump of one database among what agents wrote, each in the folder of its recipe, whose name the configuration gives.
 * InvalidInput where several left one: which of the databases is meant cannot be guessed.
 */
export async function findDump(output: FileTree, database: string, signal: AbortSignal): Promise<Entry | undefined> {
  const found: { readonly dump: Entry; readonly recipe: string }[] = [];
  for await (const { entry: folder } of output.list(output.root, signal)) {
    if (folder?.kind !== 'folder') continue;
    const dump = await findIn({ output, folder }, database, signal);
    if (dump) found.push({ dump, recipe: shownBytes(folder.name) });
  }
  if (found.length < 2) return found[0]?.dump;
  throw new ConfigurationError(
    'InvalidInput',
    `Agents of ${found.map(({ recipe }) => recipe).join(' and ')} each left a dump of ${database}. Take the table from the disks, with --from disks and --recipe.`,
  );
}

/** As agent.sh leaves it: `<n>.name` holds the database's name, `<n>.dump` is pg_dump's custom format. */
async function findIn(
  { output, folder }: { readonly output: FileTree; readonly folder: Entry },
  database: string,
  signal: AbortSignal,
): Promise<Entry | undefined> {
  for await (const { entry } of output.list(folder, signal)) {
    const number = /^(\d+)\.name$/.exec(entry?.name ?? '')?.[1];
    if (!entry || number === undefined || entry.kind !== 'file' || entry.size > MAX_NAME_BYTES) continue;
    const name = Buffer.from(await output.read(entry, 0, entry.size, signal)).toString('utf8');
    if (name === `${database}\n`) return output.find(folder, `${number}.dump`, signal);
  }
  return undefined;
}
