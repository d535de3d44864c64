import { collectionOf, type Records, type TaggedRecord } from './cloud.ts';
import { ID_KINDS } from './ids.ts';

const EC2_ID = new RegExp(`^(${Object.keys(ID_KINDS).join('|')})-([0-9a-f]{8}|[0-9a-f]{17})$`);

/** Every EC2 id that stands as a whole string anywhere in a request or an answer, each once. */
export function mentionedIds(value: unknown): string[] {
  const found = new Set<string>();
  collect(value, found);
  return [...found];
}

function collect(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') {
    if (value.length < 30 && EC2_ID.test(value)) found.add(value);
  } else if (Array.isArray(value)) {
    for (const item of value) collect(item, found);
  } else if (value !== null && typeof value === 'object' && !(value instanceof Uint8Array)) {
    for (const item of Object.values(value)) collect(item, found);
  }
}

export function findResource(db: Records, id: string): TaggedRecord | undefined {
  return collectionOf(db, id.slice(0, id.indexOf('-')))?.get(id);
}

/**
 * The resources that a call touches: those it names, and those that AWS authorises along with them (an image's
 * snapshots, the volumes of an instance that is captured).
 */
export function touchedResources(db: Records, ids: readonly string[]): TaggedRecord[] {
  const touched = new Map<string, TaggedRecord>();
  const add = (id: string) => {
    const record = findResource(db, id);
    if (record !== undefined) touched.set(id, record);
  };
  for (const id of ids) {
    add(id);
    for (const { snapshotId } of db.images.get(id)?.mappings ?? []) if (snapshotId !== undefined) add(snapshotId);
    for (const volumeId of db.instances.get(id)?.volumeIds ?? []) add(volumeId);
  }
  return [...touched.values()];
}
