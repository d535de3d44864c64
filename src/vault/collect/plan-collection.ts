import { sealDocument } from '../documents.ts';
import { gcPageKey, gcPlanKey } from '../object-keys.ts';
import type { Vault } from '../vault.ts';
import { GC_PAGE, GC_PLAN, type GcPage, type GcPlan, MAX_LISTED, PAGE_OBJECTS } from './gc-documents.ts';
import { judgeObject, type ObjectJudgement } from './judge-object.ts';
import { withLocks } from './lock-of-objects.ts';
import type { StoredObject } from './stored-object.ts';
import type { Survey } from './survey.ts';
import { Totals } from './totals.ts';

/** A day, in which a person can look at the plan and put a hold. Correctness does not need it. */
export const PLAN_REST_MS = 24 * 3_600_000;

export interface PlanCollectionRequest {
  readonly vault: Vault;
  /** As run ids are made. Each attempt has its own: two surveys of a living vault differ. */
  readonly gcId: string;
  readonly survey: Survey;
  /** From the plan to its execution; PLAN_REST_MS unless a person wants otherwise. */
  readonly restMs?: number;
  readonly toolVersion: string;
  readonly signal: AbortSignal;
  /** Every object there is, with its reason. */
  readonly onJudged?: (object: StoredObject, judgement: ObjectJudgement) => void;
}

/** (g6) Writes down what will be removed, and why; removes nothing. Needs the control root. */
export async function planCollection(request: PlanCollectionRequest): Promise<GcPlan> {
  const { vault, gcId, survey, restMs = PLAN_REST_MS, toolVersion, onJudged, signal } = request;
  const keeps = new Totals();
  const deletes = new Totals();
  let page: GcPage['objects'] = [];
  let pages = 0;
  let locked: GcPlan['locked'];
  const writePage = async () => {
    const key = gcPageKey(gcId, pages);
    const objects = await withLocks(vault, page, signal);
    locked = addLocked(locked, objects);
    const bytes = sealDocument(GC_PAGE, { gcId, page: pages, objects }, { vault, key });
    await vault.store.create(key, bytes, signal);
    page = [];
    pages++;
  };
  for (const object of survey.listing.objects.all()) {
    const judgement = judgeObject(object, survey);
    onJudged?.(object, judgement);
    if (judgement.decision === 'keep') keeps.add(judgement.why, object);
    else {
      deletes.add(judgement.why, object);
      page.push({ key: object.key, bytes: object.bytes, why: judgement.why });
      if (page.length === PAGE_OBJECTS) await writePage();
    }
  }
  if (page.length > 0) await writePage();
  const plannedAt = vault.clock.now();
  const plan: GcPlan = {
    gcId,
    plannedAt: plannedAt.toISOString(),
    executeAfter: new Date(plannedAt.getTime() + restMs).toISOString(),
    toolVersion,
    ...summaryOf(survey),
    keeps: keeps.byReason(),
    deletes: deletes.byReason(),
    ...(locked && { locked }),
    pages,
  };
  const key = gcPlanKey(gcId);
  await vault.store.create(key, sealDocument(GC_PLAN, plan, { vault, key }), signal);
  return plan;
}

function addLocked(before: GcPlan['locked'], objects: GcPage['objects']): GcPlan['locked'] {
  let sum = before;
  for (const { bytes, lockedUntil } of objects) {
    if (lockedUntil === undefined) continue;
    const { objects: count = 0, bytes: sized = 0, until = lockedUntil } = sum ?? {};
    const last = new Date(Math.max(Date.parse(until), Date.parse(lockedUntil)));
    sum = { objects: count + 1, bytes: sized + bytes, until: last.toISOString() };
  }
  return sum;
}

function summaryOf({
  live,
  outcomes,
  fenced,
  invalid,
}: Survey): Pick<GcPlan, 'points' | 'fenced' | 'invalid' | 'protects'> {
  const reasons = [...live.points.values()];
  const count = (reason: string) => reasons.filter((one) => one === reason).length;
  const states = [...outcomes].map(([runId, { state }]) => (live.points.has(runId) ? 'live' : state));
  const { protection } = live;
  return {
    points: {
      committed: count('committed'),
      pinned: count('pinned'),
      held: count('held'),
      locked: count('locked'),
      expired: states.filter((state) => state === 'committed').length,
      abandoned: states.filter((state) => state === 'abandoned').length,
      unreadable: new Set(live.unreadable.map(({ pointId }) => pointId)).size,
    },
    fenced: fenced.slice(0, MAX_LISTED),
    invalid: invalid.slice(0, MAX_LISTED).map(({ key, reason }) => ({ key, reason: reason.slice(0, 2000) })),
    protects: protection.kind === 'everything' ? 'everything' : protection.runs.size > 0 ? 'runs' : null,
  };
}
