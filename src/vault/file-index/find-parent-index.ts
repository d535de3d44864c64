import type { Manifest } from '../manifest.ts';
import { catalogPrefix } from '../object-keys.ts';
import { findTombstone } from '../read-tombstone.ts';
import type { Vault } from '../vault.ts';
import type { FileIndex } from './file-index.ts';
import { findFileIndex } from './read-file-index.ts';

/** Points without an index are seldom in a row; each costs two small requests. */
const MOST_LOOKED_AT = 5;

/** The index of the newest earlier point of the machine that has one and has not expired. */
export async function findParentIndex(
  vault: Vault,
  { pointId, machine }: Manifest,
  signal: AbortSignal,
): Promise<FileIndex | undefined> {
  const earlier: string[] = [];
  // The catalog only tells where to look: a false line costs a request, and pages are reused by their content alone.
  for await (const { key } of vault.store.list(catalogPrefix(machine.machineId), signal)) {
    const other = /(\d{8}T\d{6}Z-[0-9a-f]{8})\.json$/.exec(key)?.[1];
    if (other === pointId) break;
    if (other !== undefined) earlier.unshift(other);
  }
  for (const other of earlier.slice(0, MOST_LOOKED_AT)) {
    const index = await findFileIndex({ vault, pointId: other, signal });
    if (index && !(await findTombstone(vault, { pointId: other, signal }))) return index;
  }
  return undefined;
}
