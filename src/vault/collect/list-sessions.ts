import { recognizeObject } from './stored-object.ts';
import type { SurveyRequest } from './survey.ts';

/**
 * (g2) Every run that has begun, by its session. Sessions stand between a run's packs and its shards, so everything below
 * runs/ is listed: 1,000 keys per request, 4,000 requests or about 3 minutes for 4 million packs.
 */
export async function listSessions({ vault, signal, onProgress }: SurveyRequest): Promise<readonly string[]> {
  const runIds: string[] = [];
  for await (const facts of vault.store.list('runs/', signal)) {
    const object = recognizeObject(facts);
    if (object?.kind === 'session') runIds.push(object.runId);
    onProgress?.('sessions');
  }
  return runIds;
}
