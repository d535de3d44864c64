import { hostname } from 'node:os';
import { join } from 'node:path';
import { resolveFolder } from '../config/resolve-names.ts';
import type { Config } from '../config/schema.ts';
import type { FilesResult } from '../contract/results.ts';
import { type Extracted, extract } from '../disk/extract/extract.ts';
import { guestText } from '../disk/guest-text.ts';
import { bytesShownAs, shownBytes } from '../disk/tree/shown-bytes.ts';
import { ConfigurationError } from '../errors.ts';
import { makeFolders } from '../make-folders.ts';
import { chooseVolumes } from '../search/choose-volumes.ts';
import { type OpenOthers, openPointTree } from '../search/point-tree.ts';
import { readPoint, writing } from '../vault/index.ts';
import { beating } from './beating.ts';
import type { VaultDoor } from './vault-door.ts';

export interface RestoreFilesDeps {
  readonly vaults: VaultDoor;
  readonly config: Pick<Config, 'folders'>;
  readonly openOthers: OpenOthers;
}

export interface RestoreFilesRequest {
  readonly runId: string;
  readonly vault: string;
  readonly pointId: string;
  readonly path: string;
  readonly into: string;
  readonly volumeIds?: readonly string[];
}

/** The folder is this run's own, and no later run looks into it. */
const AGAIN = `ask again, which writes all of it into a new folder; remove what is in this one on ${hostname()}`;

/** Results stand in histories: a sentence each, and no more than people read. */
const MOST_NAMED = 50;

export function createRestoreFilesActivities({ vaults, config, openOthers }: RestoreFilesDeps) {
  return {
    /**
     * Writes a file or tree into a folder of this run's own. Repeatable: what an earlier attempt finished stays, by size
     * and time; heartbeats only tell people how far it is.
     */
    async restoreFiles(request: RestoreFilesRequest): Promise<Omit<FilesResult, 'phases'>> {
      return beating(async ({ signal, progress }) => {
        const { runId, pointId, path } = request;
        const folder = join(resolveFolder(config, request.into), runId);
        const vault = await vaults.open(request.vault, signal);
        const manifest = await readPoint({ vault, pointId, signal });
        const volumes = chooseVolumes(manifest, request.volumeIds);
        const files = await openPointTree({ vault, volumes, openOthers, signal });
        try {
          const from = await files.machine.find(bytesShownAs(path), signal);
          if (!from) {
            const message = `${pointId} has no ${guestText(path)}; list what there is with: understudy files ls ${pointId}:/`;
            throw new ConfigurationError('FileMissing', message, { context: { pointId } });
          }
          const write = async () => {
            await makeFolders(folder, { mode: 0o700 });
            return extract({
              machine: files.machine,
              from,
              folder,
              asRoot: process.getuid?.() === 0,
              signal,
              onProgress: ({ files: done, bytes }) => progress({ files: done, bytes }),
            });
          };
          const extracted = await writing(folder, write, AGAIN);
          const told = { pointId, runId, vault: request.vault, path, folder, host: hostname() };
          return { ...told, ...summaryOf(extracted), ...files.cost() };
        } finally {
          await files.close();
        }
      });
    },
  };
}

function summaryOf({ problems, ...counts }: Extracted) {
  const damageFirst = problems.toSorted((a, b) => Number(b.isDamage) - Number(a.isDamage));
  return {
    ...counts,
    problems: problems.length,
    damaged: problems.filter(({ isDamage }) => isDamage).length,
    named: damageFirst
      .slice(0, MOST_NAMED)
      .map(({ path, problem }) => ({ path: guestText(shownBytes(path)), problem: guestText(problem) })),
  };
}
