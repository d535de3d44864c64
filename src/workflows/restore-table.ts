import { CancellationScope } from '@temporalio/workflow';
import type { PointFacts } from '../activities/point.ts';
import { outputRegion } from '../contract/agent-output.ts';
import { TABLE_PHASES, type TablePhase } from '../contract/progress.ts';
import type { ResolvedTable } from '../contract/resolved-restore.ts';
import type { TableRequest } from '../contract/restore-request.ts';
import type { Extract, Leftover, TableResult } from '../contract/results.ts';
import type { Run } from '../contract/run.ts';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { bootMachine } from './boot-machine.ts';
import { readableFailure, withinLimit } from './failures.ts';
import { identifyRun, newRunId } from './identify-run.ts';
import { mustHoldDisks } from './must-hold-disks.ts';
import { answering, cleanUp, control, mover } from './proxies.ts';
import { recordMeasurement } from './record-measurement.ts';
import { type RestoredSnapshots, restoreSnapshots } from './restore-snapshots.ts';
import { stopAndSnapshot } from './stop-machine.ts';
import * as say from './summaries.ts';
import { type PhaseTracker, trackPhases } from './track-phases.ts';

/** Starts the database from a point's disks, isolated, takes one table out, and seals it in the vault to be fetched. */
export async function restoreTable(request: TableRequest): Promise<TableResult> {
  const table = await resolve(request);
  const { pointId, searchAttributes, limits } = table;
  const runId = newRunId();
  const phases = trackPhases<TablePhase>({
    runId,
    title: `Table of ${pointId}`,
    phases: TABLE_PHASES,
    searchAttributes,
    attributes: [{ key: SEARCH_ATTRIBUTES.pointId, value: pointId }],
  });
  const leftovers: Leftover[] = [];
  try {
    const made = await withinLimit(limits.runMs, () => takeOut({ table, runId, phases, leftovers }));
    return { ...made, phases: phases.finish('done'), leftovers };
  } catch (error) {
    phases.finish('failed');
    throw readableFailure(error, { phase: phases.failed(), leftovers });
  }
}

async function resolve(request: TableRequest): Promise<ResolvedTable> {
  try {
    return await answering.resolveTable(request);
  } catch (error) {
    throw readableFailure(error);
  }
}

interface TableOrder {
  readonly table: ResolvedTable;
  readonly runId: string;
  readonly phases: PhaseTracker<TablePhase>;
  /** Filled by clean-up. */
  readonly leftovers: Leftover[];
}

type TakenTable = Omit<TableResult, 'phases' | 'leftovers'>;

async function takeOut({ table, runId, phases, leftovers }: TableOrder): Promise<TakenTable> {
  const startedAt = new Date().toISOString();
  const { pointId, vault, deploymentId, limits, isolation } = table;
  const point = await phases.run('read', () => control.readPoint({ vault, pointId }));
  mustHoldDisks(point);
  const { machineId, region, volumes } = point.machine;
  const run = identifyRun({ runId, deploymentId, sourceId: machineId, runMs: limits.runMs, pointId });
  let done = false;
  try {
    const place = { kind: 'isolated', isolation } as const;
    await phases.run('check', () => control.checkRestore({ run, to: 'instance', place }), say.checks);
    const order = { run, role: 'verify', vault, pointId, volumes, profile: isolation, phases } as const;
    const restored = await phases.run('restore', () => restoreSnapshots(order), say.restore);
    const taken = await extractFrom({ run, table, point, restored, phases });
    const measured = { run, vault, pointId, machineId, region, startedAt, bytes: restored.bytes };
    const record = async () => {
      const failed = await recordMeasurement({ ...measured, kind: 'table', phases: phases.taken() });
      await control.endExtractRun({ run, vault });
      return failed;
    };
    await phases.run('record', record, say.record);
    done = true;
    const { bytes: restoredBytes, ms: restoreMs } = restored;
    return { pointId, runId, vault, recipe: table.recipe.name, ...taken, restoredBytes, restoreMs };
  } finally {
    // As in backupInstance: whatever happened, no machine and no snapshot of this run stays.
    const removal = { run, done, keepCapture: false, replacedCaptures: 'keep' } as const;
    const remove = () => phases.run('clean-up', () => cleanUp.removeRunResources(removal), say.cleanUp);
    leftovers.push(...(await CancellationScope.nonCancellable(remove)));
  }
}

interface MachineOrder extends Pick<TableOrder, 'table' | 'phases'> {
  readonly run: Run;
  readonly point: PointFacts;
  readonly restored: RestoredSnapshots;
}

async function extractFrom({
  run,
  table,
  point,
  restored,
  phases,
}: MachineOrder): Promise<Pick<TableResult, 'extract' | 'isolation'>> {
  const { vault, isolation, recipe, wanted } = table;
  // A table is never larger than the disks that hold it; as SQL seldom.
  const region = outputRegion(table.limits, point.machine.volumes);
  const { scratchGiB, shutdownMs, agentMs } = table.limits;
  // It powers itself off when the table is out, so that time is what its shutdown may take.
  const limits = { ...table.limits, scratchGiB: scratchGiB + region.giB, shutdownMs: shutdownMs + agentMs };
  const extract = { recipe: recipe.name, request: wanted, extractMs: agentMs, region };
  const order = {
    run,
    role: 'verify',
    like: point.machine,
    recipes: [recipe],
    isolation,
    vault,
    limits,
    extract,
  } as const;
  const booted = await phases.run('launch', () => bootMachine({ ...order, snapshots: restored.snapshots }), say.boot);
  const { machine, outcome } = booted;
  const taken = await phases.run(
    'extract',
    async (): Promise<Extract> => {
      const stopped = await stopAndSnapshot({ run, machine, outcome, limits, scratchOnly: true, retain: false });
      return mover.sealExtract({
        run,
        vault,
        machine,
        recipe: recipe.name,
        scratch: stopped.snapshots.scratch,
        region,
      });
    },
    say.extracted,
  );
  await booted.photographs;
  return { extract: taken, isolation: booted.isolation };
}
