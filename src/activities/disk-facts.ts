import type { Fact } from '../contract/evidence.ts';
import type { VolumeFacts } from '../contract/machine.ts';
import type { ConfiguredRecipe } from '../contract/resolved-backup.ts';
import type { ByteSource } from '../disk/byte-source.ts';
import type { FileReader } from '../disk/file-reader.ts';
import type { FileSystemFact } from '../disk/file-system-fact.ts';
import { guestText } from '../disk/guest-text.ts';
import { type MachineDisk, openMachineFiles } from '../disk/machine-files.ts';
import { readFileSystems } from '../disk/read-file-systems.ts';
import { DiskError } from '../errors.ts';
import type { Recipe } from '../recipes/recipe.ts';
import type { FindRecipe } from '../recipes/registry.ts';
import type { Beat } from './beating.ts';

export interface DiskFacts {
  readonly fileSystems: readonly FileSystemFact[];
  /** By recipe: what its own files on disk say about how it ended. */
  readonly cleanFacts: Readonly<Record<string, Fact>>;
}

export interface DiskFactsRequest {
  readonly volumes: readonly VolumeFacts[];
  /** The bytes of each of them, by source volume id. */
  readonly open: (volume: VolumeFacts) => Promise<ByteSource>;
  /** Those that match the machine. */
  readonly recipes: readonly ConfiguredRecipe[];
  readonly findRecipe: FindRecipe;
  readonly beat: Beat;
}

/** Facts from the blocks of one machine, wherever they are: the clone's snapshots, sealed packs, a recovery point. */
export async function readDiskFacts(request: DiskFactsRequest): Promise<DiskFacts> {
  const { volumes, open, beat } = request;
  const disks: MachineDisk[] = [];
  const fileSystems: FileSystemFact[] = [];
  for (const volume of inDeviceOrder(volumes)) {
    const source = await open(volume);
    disks.push({ volumeId: volume.volumeId, source });
    fileSystems.push(...(await readFileSystems(volume.volumeId, source, beat.signal)));
    beat.progress();
  }
  return { fileSystems, cleanFacts: await readCleanFacts(disks, request) };
}

/** /etc/fstab is looked for on the root disk; the others as the machine numbers them. */
function inDeviceOrder(volumes: readonly VolumeFacts[]): readonly VolumeFacts[] {
  return volumes.toSorted((a, b) => Number(b.root) - Number(a.root) || (a.deviceName < b.deviceName ? -1 : 1));
}

async function readCleanFacts(disks: readonly MachineDisk[], { recipes, findRecipe, beat }: DiskFactsRequest) {
  const facts: Record<string, Fact> = {};
  const judged = recipes.filter(({ name }) => findRecipe(name).cleanFact !== undefined);
  if (judged.length === 0) return facts;
  let files: FileReader;
  try {
    files = await openMachineFiles(disks, beat.signal);
  } catch (error) {
    for (const { name } of judged) facts[name] = unreadable(name, error);
    return facts;
  }
  for (const { name, params } of judged) {
    facts[name] = await readCleanFact({ recipe: findRecipe(name), params, files }, beat);
    beat.progress();
  }
  return facts;
}

interface CleanFactRequest {
  readonly recipe: Recipe;
  readonly params: unknown;
  readonly files: FileReader;
}

async function readCleanFact({ recipe, params, files }: CleanFactRequest, { signal }: Beat): Promise<Fact> {
  const { name } = recipe;
  try {
    const fact = await recipe.cleanFact?.(files, recipe.params.parse(params), signal);
    return fact ?? { name: `${name} clean`, verdict: 'not-observed', found: 'its files on disk tell nothing' };
  } catch (error) {
    return unreadable(name, error);
  }
}

/** A disk that cannot be read says nothing about the application: unknown, which lowers the class and names itself. */
function unreadable(name: string, error: unknown): Fact {
  if (!(error instanceof DiskError)) throw error;
  return { name: `${name} clean`, verdict: 'unknown', found: guestText(error.message) };
}
