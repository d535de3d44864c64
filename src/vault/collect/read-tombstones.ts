import { findTombstone } from '../expiry/expire-point.ts';
import { RunId } from '../fields.ts';
import { inOrder, type Task } from '../in-order.ts';
import { AT_A_TIME, type InvalidObject, type SurveyRequest } from './survey.ts';

interface Tombstones {
  readonly expired: ReadonlySet<string>;
  readonly invalid: readonly InvalidObject[];
}

interface Found {
  readonly key: string;
  readonly pointId: string;
  readonly valid: boolean;
}

/** (g1) The points that have expired. A tombstone that the control key did not sign ends nothing and is reported. */
export async function readTombstones(request: SurveyRequest): Promise<Tombstones> {
  const { atATime = AT_A_TIME, signal, onProgress } = request;
  const expired = new Set<string>();
  const invalid: InvalidObject[] = [];
  for await (const { key, pointId, valid } of inOrder(readEach(request), { depth: atATime, signal })) {
    if (valid) expired.add(pointId);
    else invalid.push({ key, reason: "not signed by this vault's control key: ignored" });
    onProgress?.('tombstones');
  }
  return { expired, invalid };
}

async function* readEach({ vault, signal }: SurveyRequest): AsyncIterable<Task<Found>> {
  for await (const { key } of vault.store.list('tombstones/', signal)) {
    const pointId = /^tombstones\/(.+)\.json$/.exec(key)?.[1];
    if (pointId === undefined || !RunId.safeParse(pointId).success) continue;
    yield async (ours) => ({ key, pointId, valid: (await findTombstone(vault, pointId, ours)) !== undefined });
  }
}
