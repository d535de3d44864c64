import { FormatError } from '../../errors.ts';
import { Attestation } from '../attestation.ts';
import { readDocument } from '../documents.ts';
import { ifPresent } from '../presence.ts';
import { ListedObjects } from './listed-objects.ts';
import { recognizeObject } from './stored-object.ts';
import type { SurveyRequest } from './survey.ts';

export interface Listing {
  readonly objects: ListedObjects;
  /** Of verifications whose point has expired: the point. Their evidence stands below their own run id. */
  readonly expiredVerifications: ReadonlyMap<string, string>;
}

/** (g4) Everything that may ever be removed. What is created from now on is not looked at this time. */
export async function listObjects(
  { vault, signal, onProgress }: SurveyRequest,
  expired: ReadonlySet<string>,
): Promise<Listing> {
  const objects = new ListedObjects();
  for (const prefix of ['runs/', 'catalog/', 'index/files/', 'index/pages/']) {
    for await (const facts of vault.store.list(prefix, signal)) {
      const object = recognizeObject(facts);
      if (object) objects.add(object);
      onProgress?.('objects');
    }
  }
  const expiredVerifications = new Map<string, string>();
  for await (const { key } of vault.store.list('attestations/', signal)) {
    const [, pointId = '', runId = ''] = /^attestations\/([^/]+)\/([^/]+)\.json$/.exec(key) ?? [];
    if (!expired.has(pointId) || !objects.has(runId)) continue;
    if (await isAttestation({ vault, key }, signal)) expiredVerifications.set(runId, pointId);
  }
  return { objects, expiredVerifications };
}

/** A name alone proves nothing: it could claim another point's evidence for an expired one. */
async function isAttestation(place: { vault: SurveyRequest['vault']; key: string }, signal: AbortSignal) {
  try {
    const kind = { type: 'attestation', schema: Attestation } as const;
    return (await ifPresent(readDocument(kind, place, signal))) !== undefined;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
