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

/** What becomes of one object, and why. */
export function judgeObject(object: StoredObject, survey: Survey): ObjectJudgement {
  const { kind, runId, id } = object;
  const { outcomes, live, listing, expired } = survey;
  if (id !== '' && live.ids.has(id)) return keep('named');
  const outcome = outcomes.get(runId);
  if (outcome?.state === 'abandoned') return kind === 'catalog' ? keep('point') : remove('abandoned');
  if (isProtected(runId, survey)) return keep('unreadable');
  if (!outcome) {
    if (kind === 'evidence' && listing.expiredVerifications.has(runId)) return judgeEvidence(runId, survey);
    return keep(kind === 'evidence' ? 'verification' : 'undecided');
  }
  if (live.points.has(runId)) return id === '' ? keep('point') : remove('unnamed');
  return expired.has(runId) ? remove('expired') : keep('unreadable');
}

/** The point has a tombstone; while it lives on, pinned, held or locked, what was found out about it does too. */
function judgeEvidence(runId: string, { listing, live }: Survey): ObjectJudgement {
  const pointId = listing.expiredVerifications.get(runId) ?? '';
  return live.points.has(pointId) ? keep('verification') : remove('expired');
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
