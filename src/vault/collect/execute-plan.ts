import { VaultError } from '../../errors.ts';
import { openDocument, readDocument, readSmall, sealDocument } from '../documents.ts';
import { inOrder, type Task } from '../in-order.ts';
import { gcPageKey, gcPlanKey, gcReportKey } from '../object-keys.ts';
import { createdFirst, ifPresent } from '../presence.ts';
import type { Vault } from '../vault.ts';
import { GC_PAGE, GC_PLAN, GC_REPORT, type GcPage, type GcPlan, type GcReport } from './gc-documents.ts';
import { judgeObject } from './judge-object.ts';
import { recognizeObject } from './stored-object.ts';
import { AT_A_TIME, type Survey } from './survey.ts';
import { Totals } from './totals.ts';

export interface ExecutePlanRequest {
  readonly vault: Vault;
  readonly gcId: string;
  /** Made after the plan: what it does not condemn again stays. */
  readonly survey: Survey;
  readonly toolVersion: string;
  readonly signal: AbortSignal;
  readonly atATime?: number;
  readonly onProgress?: (done: { readonly objects: number; readonly bytes: number }) => void;
}

/**
 * (g7) Removes what the plan names and this survey condemns as well. By protocol a plan can only name what no live point
 * will ever name; it is checked again all the same, because what is removed is gone. Repeatable: removing twice is no
 * error, and the report that was written first stands.
 */
export async function executePlan(request: ExecutePlanRequest): Promise<GcReport> {
  const { vault, gcId, toolVersion, signal } = request;
  const plan = await readPlan(vault, gcId, signal);
  const earlier = await ifPresent(readDocument(GC_REPORT, { vault, key: gcReportKey(gcId) }, signal));
  if (earlier) return earlier;
  mustBeDue(plan, vault.clock.now());
  const removed = new Totals();
  const kept = new Totals();
  for (let page = 0; page < plan.pages; page++) await removePage(request, page, { removed, kept });
  const finishedAt = vault.clock.now().toISOString();
  return writeReport(
    vault,
    { gcId, finishedAt, toolVersion, removed: removed.byReason(), kept: kept.byReason() },
    signal,
  );
}

export async function readPlan(vault: Vault, gcId: string, signal: AbortSignal): Promise<GcPlan> {
  return readDocument(GC_PLAN, { vault, key: gcPlanKey(gcId) }, signal);
}

export async function readPage(vault: Vault, gcId: string, page: number, signal: AbortSignal): Promise<GcPage> {
  return readDocument(GC_PAGE, { vault, key: gcPageKey(gcId, page) }, signal);
}

function mustBeDue({ gcId, executeAfter }: GcPlan, now: Date): void {
  if (Date.parse(executeAfter) <= now.getTime()) return;
  const message = `collection ${gcId} may be executed from ${executeAfter} on, so that a person can look at its plan first; wait until then`;
  throw new VaultError('CollectionNotDue', message, { context: { gcId, executeAfter } });
}

type PlannedObject = GcPage['objects'][number];

async function removePage(
  request: ExecutePlanRequest,
  number: number,
  { removed, kept }: { readonly removed: Totals; readonly kept: Totals },
): Promise<void> {
  const { vault, gcId, signal, atATime = AT_A_TIME, onProgress } = request;
  const { objects } = await readPage(vault, gcId, number, signal);
  for await (const { object, why } of inOrder(removals(request, objects), { depth: atATime, signal })) {
    if (why === undefined) removed.add(object.why, object);
    else kept.add(why, object);
    onProgress?.({ objects: 1, bytes: object.bytes });
  }
}

interface Removal {
  readonly object: PlannedObject;
  /** Why it stays after all. */
  readonly why?: string;
}

function* removals({ vault, survey }: ExecutePlanRequest, objects: readonly PlannedObject[]): Iterable<Task<Removal>> {
  for (const object of objects) {
    yield async (signal) => {
      const stored = recognizeObject(object);
      if (!stored) return { object, why: 'unknown' };
      const judgement = judgeObject(stored, survey);
      if (judgement.decision === 'keep') return { object, why: judgement.why };
      await vault.store.remove(object.key, signal);
      return { object };
    };
  }
}

async function writeReport(vault: Vault, report: GcReport, signal: AbortSignal): Promise<GcReport> {
  const key = gcReportKey(report.gcId);
  if (await createdFirst(vault.store.create(key, sealDocument(GC_REPORT, report, { vault, key }), signal)))
    return report;
  return openDocument(GC_REPORT, await readSmall(vault.store, key, signal), { vault, key });
}
