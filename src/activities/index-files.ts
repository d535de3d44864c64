import type { IndexedFiles } from '../contract/results.ts';
import { findObjects } from '../recipes/find-objects.ts';
import type { FindRecipe } from '../recipes/registry.ts';
import { indexPoint } from '../search/index-point.ts';
import type { OpenOthers } from '../search/point-tree.ts';
import { readPoint } from '../vault/index.ts';
import { beating } from './beating.ts';
import type { VaultDoor } from './vault-door.ts';

export interface IndexFilesDeps {
  readonly vaults: VaultDoor;
  readonly findRecipe: FindRecipe;
  readonly openOthers: OpenOthers;
  readonly toolVersion: string;
}

export interface IndexFilesRequest {
  readonly vault: string;
  readonly pointId: string;
  readonly digests: boolean;
}

export function createIndexFilesActivities({ vaults, findRecipe, openOthers, toolVersion }: IndexFilesDeps) {
  return {
    /** Repeatable: another attempt finds the pages of the one before by their content, and the newest index counts. */
    async indexFiles({ vault: name, pointId, digests }: IndexFilesRequest): Promise<IndexedFiles> {
      return beating(async ({ signal, progress }) => {
        const vault = await vaults.open(name, signal);
        const manifest = await readPoint({ vault, pointId, signal });
        const { index, pagesReused } = await indexPoint({
          ...{ vault, manifest, digests, anew: false, openOthers, toolVersion, signal },
          findObjects: (recipe) => findObjects(findRecipe, recipe),
          onProgress: progress,
        });
        const { files, objects, pages, notes } = index;
        return { files, objects: objects.length, pages: pages.length, pagesReused, notes: notes.length };
      });
    },
  };
}
