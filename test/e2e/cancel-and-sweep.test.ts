import { randomUUID } from 'node:crypto';
import { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '../../local/up/named.ts';
import { findTaggedResources, type TaggedResource } from '../../local/up/tagged-resources.ts';
import { waitUntil } from '../../local/up/wait-until.ts';
import type { BackupProgress, BackupResult, Run, RunFailed } from '../../src/client/index.ts';
import type { Phase } from '../../src/contract/progress.ts';
import { progressQuery } from '../../src/contract/queries.ts';
import type { SweepResult } from '../../src/contract/results.ts';
import { CONTROL_QUEUE } from '../../src/contract/task-queues.ts';
import { createDecoys, type Decoys } from '../support/decoys.ts';
import { describeStuckRun } from '../support/stuck-run.ts';
import { openTestLab, type TestLab } from '../support/test-lab.ts';

/** A machine that gives no sign for two minutes is launched again, and its second boot may meet a busy host. */
const PHASE_LIMIT_MS = 360_000;
/** Each look costs server and worker more than 10 ms of processor time, and preflight, the shortest phase, takes 0.4 s. */
const LOOK_MS = { forLong: 150, forShort: 25 };
/** Short phases, and the long one before each, which is waited for at leisure. */
const SHORT_AFTER: Partial<Record<Phase, Phase | undefined>> = {
  preflight: undefined,
  capture: undefined,
  commit: 'archive',
  'clean-up': 'archive',
};

let lab: TestLab;
let decoys: Decoys;

beforeAll(async () => {
  lab = await openTestLab();
  decoys = createDecoys(lab.aws, lab.lab.plan.zone);
  await decoys.add({});
  await decoys.add({ Name: 'understudy clone', 'understudy:deployment': lab.lab.plan.deploymentId });
  await decoys.add(tagsOfRun({ deploymentId: randomUUID(), runId: '20200101T000000Z-00000000' }));
});

afterAll(async () => {
  await decoys?.remove();
  await lab?.[Symbol.asyncDispose]();
});

test('a run cancelled during its clean-up ends as done and keeps its capture in place of older ones', async () => {
  const before = await resources();
  const run = await lab.start({ verify: false });
  await phaseBegins(run, 'clean-up');
  await run.cancel();
  const { runId, volumes, leftovers } = await run.result();
  expect(leftovers).toEqual([]);
  const after = await resources();
  expect(after.filter((one) => one.runId === runId).map(({ role }) => role)).toEqual(volumes.map(() => 'capture'));
  expect(after.filter((one) => one.runId !== runId)).toEqual(before.filter(isNoCaptureOfProduction));
});

test.each<{ phase: Phase }>([
  { phase: 'preflight' },
  { phase: 'capture' },
  { phase: 'clone' },
  { phase: 'shutdown' },
  { phase: 'archive' },
  { phase: 'commit' },
  { phase: 'verify' },
])('a run cancelled during $phase leaves nothing, and the capture of the run before it stays', async ({ phase }) => {
  const before = await resources();
  const run = await lab.start();
  const runId = await phaseBegins(run, phase);
  await decoys.add(tagsOfRun({ deploymentId: randomUUID(), runId }));
  await run.cancel();
  expect(await endOf(run)).toBeInstanceOf(CancelledFailure);
  expect(await resources()).toEqual(before);
  expect(await decoys.findMissing()).toEqual([]);
});

describe('a run whose workflows are terminated in the archive', () => {
  let before: readonly TaggedResource[];
  let left: readonly TaggedResource[];
  let runId: string;
  let workflowId: string | undefined;
  let temporalRunId: string | undefined;
  let refused: RunFailed;
  let end: unknown;
  let early: SweepResult;
  let swept: SweepResult;

  beforeAll(async () => {
    await sweep(); // of what other files left in this lab: captures of points that turned red later
    before = await resources();
    const run = await lab.start();
    runId = await phaseBegins(run, 'clone');
    ({ workflowId, temporalRunId } = await lab.temporal.workflow.getHandle(run.workflowId).query(progressQuery));
    refused = await lab.refusal(await lab.start());
    await decoys.add(tagsOfRun({ deploymentId: randomUUID(), runId, workflowId, temporalRunId }));
    await phaseBegins(run, 'archive');
    early = await sweep();
    await terminateTree(run, must(workflowId, "the backup's workflow id"));
    end = await endOf(run);
    left = (await resources()).filter((one) => one.runId === runId);
    swept = await sweep();
  });

  test('refused a second request for its instance while it ran, naming itself', () => {
    expect(refused.code).toBe('BackupAlreadyRunning');
    expect(refused.context).toMatchObject({ workflowId, temporalRunId });
    expect(refused.message).toContain(workflowId);
  });

  test('was not touched by a sweep while it ran', () => {
    expect(early.runs.find((one) => one.runId === runId)).toMatchObject({ decision: 'kept' });
    expect(new Set(left.map(({ role }) => role))).toEqual(
      new Set(['capture', 'image', 'clone', 'clone-snapshot', 'scratch']),
    );
  });

  test('is removed by the sweep, and the capture of the run before it stays', async () => {
    expect(end).toBeInstanceOf(TerminatedFailure);
    expect(swept.runs.find((one) => one.runId === runId)).toMatchObject({ decision: 'removed' });
    expect(swept.leftovers).toEqual([]);
    expect(await resources()).toEqual(before);
  });
});

test('resources of a second deployment, half-tagged and untagged ones outlive every clean-up and sweep', async () => {
  expect(await decoys.findMissing()).toEqual([]);
});

async function resources(): Promise<readonly TaggedResource[]> {
  return findTaggedResources(lab.aws, { key: 'understudy:deployment', values: [lab.lab.plan.deploymentId] });
}

/** The id of the run, while it is in this phase: one that was over before it was seen fails the test. */
async function phaseBegins(run: Run<BackupResult>, phase: Phase): Promise<string> {
  const before = SHORT_AFTER[phase];
  if (before) await firstSight(run, before, LOOK_MS.forLong);
  const { runId, state } = await firstSight(run, phase, phase in SHORT_AFTER ? LOOK_MS.forShort : LOOK_MS.forLong);
  expect({ phase, state }).toEqual({ phase, state: 'running' });
  return must(runId, 'runId');
}

async function firstSight(run: Run<BackupResult>, phase: Phase, everyMs: number) {
  let last: BackupProgress | undefined;
  try {
    return await waitUntil(
      async () => {
        last = await run.progress();
        const now = last.phases.find((one) => one.phase === phase)?.state ?? 'waiting';
        return now === 'waiting' ? undefined : { runId: last.runId, state: now };
      },
      { what: `${phase} of ${run.workflowId} begins`, limitMs: PHASE_LIMIT_MS, everyMs },
    );
  } catch (error) {
    const where = await describeStuckRun(lab, last);
    await run.cancel(); // or the next test's request would be refused for this run
    throw new Error(`${error}\n${where}`, { cause: error });
  }
}

/** What Temporal says of how a run ended that did not succeed. */
async function endOf(run: Run<unknown>): Promise<unknown> {
  const error = await run.result().then(
    () => new Error(`${run.workflowId} succeeded`),
    (reason: unknown) => reason,
  );
  return error instanceof WorkflowFailedError ? error.cause : error;
}

async function sweep(): Promise<SweepResult> {
  const options = { taskQueue: CONTROL_QUEUE, workflowId: `test-sweep/${randomUUID()}` };
  return lab.temporal.workflow.execute<() => Promise<SweepResult>>('sweepLeftovers', options);
}

/**
 * All at once: a workflow whose parent is over gets a request to cancel, and one whose child is over fails, and either
 * would let it clean up.
 */
async function terminateTree(request: Run<unknown>, workflowId: string): Promise<void> {
  const { workflow } = lab.temporal;
  const { raw } = await workflow.getHandle(workflowId).describe();
  const children = (raw.pendingChildren ?? []).map((child) => must(child.workflowId ?? undefined, 'workflowId'));
  expect(children.length).toBeGreaterThan(0); // or the archive is over already
  const tree = [workflowId, ...children, request.workflowId];
  await Promise.all(tree.map((id) => workflow.getHandle(id).terminate('test').catch(mustBeOver)));
}

/** A parent may fail by its child's end before its own turn comes. */
function mustBeOver(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'WorkflowNotFoundError') throw error;
}

function isNoCaptureOfProduction({ role, sourceId }: TaggedResource): boolean {
  return role !== 'capture' || sourceId !== lab.lab.status.production.instanceId;
}

interface TaggedRun {
  readonly deploymentId: string;
  readonly runId: string;
  readonly workflowId?: string | undefined;
  readonly temporalRunId?: string | undefined;
}

/** All that marks a resource of a run; long expired, so only the deployment protects it. */
function tagsOfRun({ deploymentId, runId, workflowId = 'gone', temporalRunId = randomUUID() }: TaggedRun) {
  return {
    'understudy:deployment': deploymentId,
    'understudy:run': runId,
    'understudy:workflow': workflowId,
    'understudy:execution': temporalRunId,
    'understudy:role': 'clone',
    'understudy:source': lab.lab.status.production.instanceId,
    'understudy:expires': '2020-01-01T00:00:00.000Z',
  };
}
