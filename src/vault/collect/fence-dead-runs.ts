import { FormatError } from '../../errors.ts';
import { readDocument } from '../documents.ts';
import { sessionKey } from '../object-keys.ts';
import { fenceRun } from '../points.ts';
import { ifPresent } from '../presence.ts';
import { SESSION } from '../run.ts';
import type { Session } from '../session.ts';
import { listDecided } from './read-outcomes.ts';
import type { InvalidObject, SurveyRequest } from './survey.ts';

/**
 * Why a run is dead; undefined while it may live. Asked for undecided runs only. Time or a workflow's status may answer:
 * the fence, not the answer, is what makes it true.
 */
export type IsDead = (session: Session, signal: AbortSignal) => Promise<string | undefined>;

export interface FencedRun {
  readonly runId: string;
  readonly reason: string;
}

export interface OpenSessions {
  /** Of runs that were undecided when looked at, those fenced now included. */
  readonly sessions: ReadonlyMap<string, Session>;
  readonly fenced: readonly FencedRun[];
  readonly invalid: readonly InvalidObject[];
}

/** (g3) Ends dead runs at the very key where they would commit. */
export async function fenceDeadRuns(request: SurveyRequest, runIds: readonly string[]): Promise<OpenSessions> {
  const { onProgress } = request;
  const decided = await listDecided(request);
  const sessions = new Map<string, Session>();
  const fenced: FencedRun[] = [];
  const invalid: InvalidObject[] = [];
  for (const runId of runIds) {
    if (decided.has(runId)) continue;
    const { session, reason } = await judgeRun(request, runId);
    if (session === 'unreadable') invalid.push({ key: sessionKey(runId), reason: UNREADABLE });
    else if (session) sessions.set(runId, session);
    if (reason !== undefined && (await fence(request, runId, reason))) fenced.push({ runId, reason });
    onProgress?.('fences');
  }
  return { sessions, fenced, invalid };
}

// A writer reads its own session before it commits, so such a run cannot commit; its fence says it for good.
const UNREADABLE = 'its session cannot be read, so it can never commit';

interface RunJudgement {
  readonly session: Session | 'unreadable' | undefined;
  readonly reason: string | undefined;
}

async function judgeRun({ vault, isDead, signal }: SurveyRequest, runId: string): Promise<RunJudgement> {
  try {
    const session = await ifPresent(readDocument(SESSION, { vault, key: sessionKey(runId) }, signal));
    return { session, reason: session && (await isDead(session, signal)) };
  } catch (error) {
    if (error instanceof FormatError) return { session: 'unreadable', reason: UNREADABLE };
    throw error;
  }
}

async function fence({ vault, signal }: SurveyRequest, runId: string, reason: string): Promise<boolean> {
  return (await fenceRun({ vault, runId, reason: reason.slice(0, 2000), signal })) === 'fenced';
}
