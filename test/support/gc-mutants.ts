import { type FencedRun, fenceDeadRuns } from '../../src/vault/collect/fence-dead-runs.ts';
import { listObjects } from '../../src/vault/collect/list-objects.ts';
import { listSessions } from '../../src/vault/collect/list-sessions.ts';
import { readLive } from '../../src/vault/collect/read-live.ts';
import { listDecided, readOutcomes } from '../../src/vault/collect/read-outcomes.ts';
import { readTombstones } from '../../src/vault/collect/read-tombstones.ts';
import { readDocument } from '../../src/vault/documents.ts';
import { sessionKey } from '../../src/vault/object-keys.ts';
import { SESSION } from '../../src/vault/run.ts';
import type { Session } from '../../src/vault/session.ts';
import type { TakeSurvey } from './gc-world.ts';

/** The collector's own steps, put together wrongly: each of these surveys loses somebody's data. */

/** A writer that saw its parent without tombstone may publish its session after the sessions were listed. */
export const sessionsBeforeTombstones: TakeSurvey = async (request) => {
  const sessionIds = await listSessions(request);
  const { sessions, fenced } = await fenceDeadRuns(request, sessionIds);
  const { expired } = await readTombstones(request);
  const listing = await listObjects(request, expired);
  const outcomes = await readOutcomes(request);
  const live = await readLive(request, { expired, sessions, outcomes, listing });
  return { expired, fenced, listing, outcomes, live, invalid: [] };
};

/** "Its lease is over, so it is dead": nothing keeps it from committing. */
export const noFence: TakeSurvey = async (request) => {
  const { expired } = await readTombstones(request);
  const sessionIds = await listSessions(request);
  const decided = await listDecided(request);
  const sessions = new Map<string, Session>();
  const fenced: FencedRun[] = [];
  for (const runId of sessionIds) {
    if (decided.has(runId)) continue;
    const place = { vault: request.vault, key: sessionKey(runId) };
    const session = await readDocument(SESSION, place, request.signal);
    const reason = await request.isDead(session, request.signal);
    if (reason === undefined) sessions.set(runId, session);
    else fenced.push({ runId, reason });
  }
  const listing = await listObjects(request, expired);
  const outcomes = new Map(await readOutcomes(request));
  for (const { runId } of fenced) if (!outcomes.has(runId)) outcomes.set(runId, { state: 'abandoned' });
  const live = await readLive(request, { expired, sessions, outcomes, listing });
  return { expired, fenced, listing, outcomes, live, invalid: [] };
};

/** Nobody keeps the parent of a run that is under way. */
export const noPin: TakeSurvey = async (request) => {
  const { expired } = await readTombstones(request);
  const { fenced } = await fenceDeadRuns(request, await listSessions(request));
  const listing = await listObjects(request, expired);
  const outcomes = await readOutcomes(request);
  const live = await readLive(request, { expired, sessions: new Map(), outcomes, listing });
  return { expired, fenced, listing, outcomes, live, invalid: [] };
};

/**
 * A run that commits after the manifests were read and before sessions are is pinned by nobody: its manifest is not known,
 * and its session is passed over as that of a decided run. In the real order whoever is decided by then is read later.
 */
export const manifestsBeforeSessions: TakeSurvey = async (request) => {
  const { expired } = await readTombstones(request);
  const outcomes = await readOutcomes(request);
  const { sessions, fenced } = await fenceDeadRuns(request, await listSessions(request));
  const listing = await listObjects(request, expired);
  const live = await readLive(request, { expired, sessions, outcomes, listing });
  return { expired, fenced, listing, outcomes, live, invalid: [] };
};
