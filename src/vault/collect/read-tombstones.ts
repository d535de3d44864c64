import { RunId } from '../fields.ts';
import { inOrder, type Task } from '../in-order.ts';
import { findTombstone } from '../read-tombstone.ts';
import { AT_A_TIME, type InvalidObject, type SurveyRequest } from './survey.ts';

interface Tombstones {
  readonly expired: ReadonlySet<string>;
  readonly invalid: readonly InvalidObject[];
}

interface Found {
  readonly pointId: string;
  readonly expired: boolean;
  readonly invalid: readonly InvalidObject[];
}

/** (g1) The points that have expired. A tombstone that the control key did not sign ends nothing and is reported. */
export async function readTombstones(request: Omit<SurveyRequest, 'isDead'>): Promise<Tombstones> {
  const { vault, atATime = AT_A_TIME, signal, onProgress } = request;
  const pointIds = await listBuried(request);
  // After the listing: whatever it shows was signed under keys that are known from here on.
  await vault.refreshKeys(signal);
  const expired = new Set<string>();
  const invalid: InvalidObject[] = [];
  const tasks = pointIds.map((pointId) => readOne(request, pointId));
  for await (const found of inOrder(tasks, { depth: atATime, signal })) {
    if (found.expired) expired.add(found.pointId);
    invalid.push(...found.invalid);
    onProgress?.('tombstones');
  }
  return { expired, invalid };
}

async function listBuried({ vault, signal }: Pick<SurveyRequest, 'vault' | 'signal'>): Promise<readonly string[]> {
  const pointIds: string[] = [];
  for await (const { key } of vault.store.list('tombstones/', signal)) {
    const pointId = /^tombstones\/(.+)\.json$/.exec(key)?.[1];
    if (pointId !== undefined && RunId.safeParse(pointId).success) pointIds.push(pointId);
  }
  return pointIds;
}

function readOne({ vault }: Pick<SurveyRequest, 'vault'>, pointId: string): Task<Found> {
  return async (signal) => {
    const invalid: InvalidObject[] = [];
    const onInvalid = (key: string, reason: string) => invalid.push({ key, reason: `${reason}; ignored` });
    const found = await findTombstone(vault, { pointId, signal, onInvalid });
    return { pointId, expired: found !== undefined, invalid };
  };
}
