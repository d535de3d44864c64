import { findDump } from '../recipes/postgresql/find-dump.ts';
import { openPointTree, type PointTree } from '../search/point-tree.ts';
import type { OpenDump, WantedDump } from './deps.ts';
import { type OpenPoint, openPoint } from './point-access.ts';

// A vault's block eight times: read ahead, and handed on as it comes.
const CHUNK_BYTES = 4 << 20;

/** A dump that an agent left in a point, read straight from the vault; a sentence says why there is none. */
export async function openVaultDump(wanted: WantedDump, signal: AbortSignal): Promise<OpenDump | string> {
  const { pointId, vault } = wanted;
  const point = await openPoint(pointId, vault === undefined ? {} : { vault }, { signal });
  let found: OpenDump | string = '';
  try {
    found = await findIn(point, wanted, signal);
    return found;
  } finally {
    if (typeof found === 'string') await point.vault.close();
  }
}

async function findIn({ vault, manifest }: OpenPoint, { database }: WantedDump, signal: AbortSignal) {
  const output = manifest.volumes.find(({ role }) => role === 'agent-output');
  if (!output) return 'the point holds no output of agents';
  const files = await openPointTree({ vault, volumes: [output], signal });
  const dump = await openDump(files, database, signal);
  if (dump) return { ...dump, close: () => files.close().finally(() => vault.close()) };
  await files.close();
  return `no agent left a dump of ${database} in this point`;
}

async function openDump({ machine, cost }: PointTree, database: string, signal: AbortSignal) {
  const tree = machine.fileSystems.find((one) => one.tree)?.tree;
  const dump = tree && (await findDump(tree, database, signal));
  if (!tree || dump?.kind !== 'file') return undefined;
  return {
    bytes: dump.size,
    async *chunks() {
      for (let at = 0; at < dump.size; at += CHUNK_BYTES)
        yield await tree.read(dump, at, Math.min(CHUNK_BYTES, dump.size - at), signal);
    },
    cost,
  };
}
