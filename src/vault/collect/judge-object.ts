import type { StoredObject } from './stored-object.ts';
import type { Survey } from './survey.ts';

/** Why an object stays. */
export const KEEP_REASONS = {
  named: 'a live point names it',
  point: 'belongs to a live point',
  undecided: 'its run may still commit',
  verification: 'evidence of a verification whose point is there, or which is under way',
  unreadable: 'a point that cannot be read could need it',
} as const;

/** Why an object goes. */
export const DELETE_REASONS = {
  expired: 'its point has expired and no live point names it',
  abandoned: 'its run was abandoned',
  unnamed: 'its run committed without it: an attempt that was lost wrote it',
} as const;

export type KeepReason = keyof typeof KEEP_REASONS;
export type DeleteReason = keyof typeof DELETE_REASONS;

export type ObjectJudgement =
  | { readonly decision: 'keep'; readonly why: KeepReason }
  | { readonly decision: 'delete'; readonly why: DeleteReason };

/** What becomes of one object, and why. Whatever is not known to be over stays. */
export function judgeObject(object: StoredObject, survey: Survey): ObjectJudgement {
  const { kind, runId, id } = object;
  const { outcomes, live, expired } = survey;
  if (id !== '' && live.ids.has(id)) return keep('named');
  const outcome = outcomes.get(runId);
  if (!outcome) return kind === 'evidence' ? judgeEvidence(runId, survey) : keep('undecided');
  if (outcome.state === 'abandoned') return remove('abandoned');
  // A page that no index names yet: one that is being written will, and pages are few and small.
  if (live.points.has(runId) && (id === '' || kind === 'index-page')) return keep('point');
  // An unreadable point protects itself too, so what comes below was read.
  if (isProtected(runId, survey) || !(live.points.has(runId) || expired.has(runId))) return keep('unreadable');
  if (live.points.has(runId)) return remove('unnamed');
  return remove('expired');
}

/** Of a verification, which has no session and no decision of its own: what was found out about a point goes with it. */
function judgeEvidence(runId: string, { listing, live }: Survey): ObjectJudgement {
  const pointId = listing.expiredVerifications.get(runId);
  return pointId === undefined || live.points.has(pointId) ? keep('verification') : remove('expired');
}

function isProtected(runId: string, { live: { protection } }: Survey): boolean {
  return protection.kind === 'everything' || protection.runs.has(runId);
}

function keep(why: KeepReason): ObjectJudgement {
  return { decision: 'keep', why };
}

function remove(why: DeleteReason): ObjectJudgement {
  return { decision: 'delete', why };
}
