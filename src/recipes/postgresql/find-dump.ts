import type { Entry, FileTree } from '../../disk/tree/file-tree.ts';

/** PostgreSQL cuts names at 63 bytes; a longer file is none of the agent's. */
const MAX_NAME_BYTES = 64;

/** The dump of one database among what agent.sh wrote: `<n>.name` holds its name, `<n>.dump` is pg_dump's custom format. */
export async function findDump(output: FileTree, database: string, signal: AbortSignal): Promise<Entry | undefined> {
  const folder = await output.find(output.root, 'postgresql', signal);
  if (folder?.kind !== 'folder') return undefined;
  for await (const { entry } of output.list(folder, signal)) {
    const number = /^(\d+)\.name$/.exec(entry?.name ?? '')?.[1];
    if (!entry || number === undefined || entry.kind !== 'file' || entry.size > MAX_NAME_BYTES) continue;
    const name = Buffer.from(await output.read(entry, 0, entry.size, signal)).toString('utf8');
    if (name === `${database}\n`) return output.find(folder, `${number}.dump`, signal);
  }
  return undefined;
}
