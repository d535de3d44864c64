import type { Fact } from '../contract/evidence.ts';
import type { ConfiguredRecipe } from '../contract/resolved-backup.ts';
import type { ByteSource } from '../disk/byte-source.ts';
import type { FileSystemFact } from '../disk/file-system-fact.ts';
import type { Beat } from './beating.ts';

export interface DiskFacts {
  readonly fileSystems: readonly FileSystemFact[];
  /** By recipe: what its own files on disk say about how it ended. */
  readonly cleanFacts: Readonly<Record<string, Fact>>;
}

export interface DiskFactsRequest {
  /** By source volume id. */
  readonly disks: ReadonlyMap<string, ByteSource>;
  readonly recipes: readonly ConfiguredRecipe[];
  readonly beat: Beat;
}

/** Facts from the blocks of one machine, wherever they are: the clone's snapshots, sealed packs, a recovery point. */
export async function readDiskFacts(_request: DiskFactsRequest): Promise<DiskFacts> {
  throw new Error('not written yet');
}
