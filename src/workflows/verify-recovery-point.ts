import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import type { PointFacts } from '../activities/point.ts';
import type { VerificationRequest } from '../contract/backup-request.ts';
import { VERIFICATION_PHASES, type VerificationPhase } from '../contract/progress.ts';
import type { ResolvedVerification } from '../contract/resolved-backup.ts';
import type { Leftover, VerificationResult } from '../contract/results.ts';
import type { Run } from '../contract/run.ts';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { verificationRunId } from '../contract/workflow-ids.ts';
import { examinePoint, type Finding, refutation } from './examine-point.ts';
import { failure, readableFailure, withinLimit } from './failures.ts';
import { identifyRun, newRunId } from './identify-run.ts';
import { mustHoldDisks } from './must-hold-disks.ts';
import { answering, cleanUp, control } from './proxies.ts';
import { recordMeasurement } from './record-measurement.ts';
import * as say from './summaries.ts';
import { type PhaseTracker, trackPhases } from './track-phases.ts';

/** Restores a recovery point from its vault, boots it in isolation and asks its applications. Red fails loudly. */
export async function verifyRecoveryPoint(request: VerificationRequest): Promise<VerificationResult> {
  const resolved = await resolve(request);
  const { pointId, searchAttributes, limits } = resolved;
  const runId = ownRunId();
  const phases = trackPhases<VerificationPhase>({
    runId,
    title: `Verification of ${pointId}`,
    phases: VERIFICATION_PHASES,
    searchAttributes,
    attributes: [{ key: SEARCH_ATTRIBUTES.pointId, value: pointId }],
  });
  const leftovers: Leftover[] = [];
  let result: VerificationResult;
  try {
    result = await withinLimit(limits.runMs, () => verify({ resolved, runId, phases, leftovers }));
  } catch (error) {
    phases.finish('failed');
    throw readableFailure(error, { phase: phases.failed(), leftovers });
  }
  phases.finish(result.verdict);
  if (result.verdict === 'red') throw verificationFailed(result);
  return result;
}

/**
 * Who starts it as a child names the run in the workflow's id. Anybody else's id is only a request's: one that looks like a run,
 * as a point's does, must not make this run the owner of what that run has.
 */
function ownRunId(): string {
  const { parent, workflowId } = workflowInfo();
  return (parent && verificationRunId(workflowId)) ?? newRunId();
}

async function resolve(request: VerificationRequest): Promise<ResolvedVerification> {
  try {
    return await answering.resolveVerification(request);
  } catch (error) {
    throw readableFailure(error);
  }
}

interface VerificationOrder {
  readonly resolved: ResolvedVerification;
  readonly runId: string;
  readonly phases: PhaseTracker<VerificationPhase>;
  /** Filled by clean-up. */
  readonly leftovers: Leftover[];
}

async function verify({ resolved, runId, phases, leftovers }: VerificationOrder): Promise<VerificationResult> {
  const startedAt = new Date().toISOString();
  const { pointId, deploymentId, limits } = resolved;
  const reading = await phases.run('read', () => readPoint(resolved));
  const sourceId = reading.point?.machine.machineId ?? UNKNOWN_SOURCE;
  const run = identifyRun({ runId, deploymentId, sourceId, runMs: limits.runMs, pointId });
  let done = false;
  try {
    const finding = reading.point
      ? await examinePoint({ run, resolved, point: reading.point, phases })
      : reading.finding;
    await phases.run('attest', () => attest({ run, resolved, startedAt, finding }));
    if (reading.point && finding.failures.length === 0)
      await measure({ run, resolved, phases, startedAt, finding }, reading.point);
    const { facts, failures, isolation, restoredBytes, restoreMs } = finding;
    const verdict = failures.length === 0 ? 'green' : 'red';
    done = verdict === 'green'; // red may be for a machine whose launch was given up
    const at = new Date().toISOString();
    return { pointId, runId, verdict, at, facts, failures, isolation, restoredBytes, restoreMs, leftovers };
  } finally {
    // As in backupInstance: whatever happened, no machine and no snapshot of this run stays.
    const removal = { run, done, keepCapture: false, replacedCaptures: 'keep' } as const;
    const remove = () => phases.run('clean-up', () => cleanUp.removeRunResources(removal), say.cleanUp);
    leftovers.push(...(await CancellationScope.nonCancellable(remove)));
  }
}

/** No machine can be made of a point whose manifest cannot be read, so no resource carries this. */
const UNKNOWN_SOURCE = 'unknown';

type Reading = { readonly point: PointFacts } | { readonly point?: undefined; readonly finding: Finding };

async function readPoint({ vault, pointId }: ResolvedVerification): Promise<Reading> {
  try {
    const point = await control.readPoint({ vault, pointId });
    mustHoldDisks(point);
    return { point };
  } catch (error) {
    return { finding: refutation(error, 'crash-consistent') };
  }
}

interface AttestOrder {
  readonly run: Run;
  readonly resolved: ResolvedVerification;
  readonly startedAt: string;
  readonly finding: Finding;
}

async function attest({ run, resolved, startedAt, finding }: AttestOrder): Promise<void> {
  const { facts, failures, disks, agents, evidence } = finding;
  await control.attestPoint({
    run,
    vault: resolved.vault,
    pointId: resolved.pointId,
    verdict: failures.length === 0 ? 'green' : 'red',
    startedAt,
    finishedAt: new Date().toISOString(),
    disks,
    agents,
    checks: [
      ...facts.map(({ name, verdict, found }) => ({ name, ok: verdict !== 'dirty', text: found })),
      ...failures.map((text) => ({ name: 'verdict', ok: false, text })),
    ],
    evidence,
  });
}

/** Only of what went well: how long a failure takes forecasts nothing. */
async function measure(
  { run, resolved, phases, startedAt, finding }: AttestOrder & Pick<VerificationOrder, 'phases'>,
  { machine: { machineId, region } }: PointFacts,
): Promise<void> {
  const { vault, pointId } = resolved;
  const measured = { run, vault, pointId, machineId, region, startedAt, bytes: finding.restoredBytes };
  const failed = await recordMeasurement({ ...measured, kind: 'verification', phases: phases.taken() });
  if (failed) phases.note('attest', say.record(failed));
}

function verificationFailed(result: VerificationResult) {
  const { pointId, failures } = result;
  return failure(
    'VerificationFailed',
    `recovery point ${pointId} stays in the vault but did not verify: ${failures.join('; ')}. It is marked red and nothing is built on it; look at the evidence, then take a new backup`,
    { pointId, runId: result.runId },
    { verification: result },
  );
}
