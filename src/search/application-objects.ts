import { OUTPUT_VOLUME_ID } from '../contract/agent-output.ts';
import type { FileReader } from '../disk/file-reader.ts';
import { damageOf } from '../disk/tree/damage.ts';
import { readFilesBelow } from '../disk/tree/files-below.ts';
import type { ApplicationObject, Manifest } from '../vault/index.ts';
import type { PointTree } from './point-tree.ts';

/** What a recipe reads of its own agent's output; undefined for a recipe that knows no objects. */
export type FindObjects = (
  recipe: string,
) => ((output: FileReader, signal: AbortSignal) => Promise<readonly Omit<ApplicationObject, 'recipe'>[]>) | undefined;

export interface ReadObjectsRequest {
  readonly files: Pick<PointTree, 'machine'>;
  readonly manifest: Pick<Manifest, 'consistency'>;
  readonly findObjects: FindObjects;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

/** Databases and tables as the agents of the point recorded them; a point without agents has none. */
export async function readObjects(request: ReadObjectsRequest): Promise<readonly ApplicationObject[]> {
  const { files, manifest, findObjects, signal, tell } = request;
  const output = files.machine.fileSystems.find(({ fact }) => fact.volumeId === OUTPUT_VOLUME_ID)?.tree;
  if (!output) return [];
  const found: ApplicationObject[] = [];
  for (const recipe of Object.keys(manifest.consistency.agents)) {
    const objectsOf = findObjects(recipe);
    if (!objectsOf) continue;
    try {
      const objects = await objectsOf(readFilesBelow(output, recipe), signal);
      found.push(...objects.map((object) => ({ recipe, ...object })));
    } catch (error) {
      tell(`damaged  what the agent of ${recipe} recorded: ${damageOf(error)}`);
    }
  }
  return found;
}
