import { CancellationScope } from '@temporalio/workflow';
import type { PointFacts } from '../activities/point.ts';
import type { LaunchedForPeople } from '../activities/restore-machine.ts';
import type { RestoredVolume, SnapshotFacts, VolumeFacts } from '../contract/machine.ts';
import { RESTORE_PHASES, type RestorePhase } from '../contract/progress.ts';
import type { ResolvedRestore, RestorePlace } from '../contract/resolved-restore.ts';
import type { RestoreRequest } from '../contract/restore-request.ts';
import type { Leftover, RestoreResult } from '../contract/results.ts';
import type { Run } from '../contract/run.ts';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { failure, readableFailure, withinLimit } from './failures.ts';
import { identifyRun, newRunId } from './identify-run.ts';
import { mustHoldDisks } from './must-hold-disks.ts';
import { answering, cleanUp, control } from './proxies.ts';
import { recordMeasurement } from './record-measurement.ts';
import { restoreSnapshots } from './restore-snapshots.ts';
import * as say from './summaries.ts';
import { type PhaseTracker, trackPhases } from './track-phases.ts';

/** Gives a recovery point back as new volumes or as a new machine, for people. Nothing that exists is written to. */
export async function restoreRecoveryPoint(request: RestoreRequest): Promise<RestoreResult> {
  const restore = await resolve(request);
  const { pointId, searchAttributes, limits } = restore;
  const runId = newRunId();
  const phases = trackPhases<RestorePhase>({
    runId,
    title: `Restore of ${pointId} to ${restore.to}`,
    phases: RESTORE_PHASES,
    searchAttributes,
    attributes: [{ key: SEARCH_ATTRIBUTES.pointId, value: pointId }],
  });
  const leftovers: Leftover[] = [];
  try {
    const made = await withinLimit(limits.runMs, () => restorePoint({ restore, runId, phases, leftovers }));
    return { ...made, phases: phases.finish('done'), leftovers };
  } catch (error) {
    phases.finish('failed');
    throw readableFailure(error, { phase: phases.failed(), leftovers });
  }
}

async function resolve(request: RestoreRequest): Promise<ResolvedRestore> {
  try {
    return await answering.resolveRestore(request);
  } catch (error) {
    throw readableFailure(error);
  }
}

interface RestoreOrder {
  readonly restore: ResolvedRestore;
  readonly runId: string;
  readonly phases: PhaseTracker<RestorePhase>;
  /** Filled by clean-up. */
  readonly leftovers: Leftover[];
}

type MadeRestore = Omit<RestoreResult, 'phases' | 'leftovers'>;

async function restorePoint({ restore, runId, phases, leftovers }: RestoreOrder): Promise<MadeRestore> {
  const startedAt = new Date().toISOString();
  const { pointId, vault, deploymentId, limits, to, place } = restore;
  const point = await phases.run('read', () => control.readPoint({ vault, pointId }));
  mustHoldDisks(point);
  const { machine: source } = point;
  const run = identifyRun({ runId, deploymentId, sourceId: source.machineId, runMs: limits.runMs, pointId });
  let done = false;
  try {
    await phases.run('check', () => control.checkRestore({ run, to, place }), say.checks);
    const order = { run, vault, pointId, volumes: wanted(restore, point), profile: keyOf(place), phases } as const;
    const restored = await phases.run('restore', () => restoreSnapshots({ ...order, role: 'restored' }), say.restore);
    const made = await phases.run('create', () => create({ run, restore, point, ...restored }), say.created);
    const { region, machineId } = source;
    const measured = { run, vault, pointId, machineId, region, kind: to, startedAt, bytes: restored.bytes };
    done = true;
    await phases.run('record', () => recordMeasurement({ ...measured, phases: phases.taken() }), say.record);
    const { bytes: restoredBytes, ms: restoreMs } = restored;
    return { pointId, runId, to, into: nameOf(place), ...made, restoredBytes, restoreMs };
  } finally {
    // As in backupInstance. A restore that failed leaves nothing; one that did not leaves what it is for, and removes the
    // snapshots and the image on the way there.
    const removal = { run, done, keepCapture: false, replacedCaptures: 'keep', keepRestored: done } as const;
    const remove = () => phases.run('clean-up', () => cleanUp.removeRunResources(removal), say.cleanUp);
    leftovers.push(...(await CancellationScope.nonCancellable(remove)));
  }
}

function wanted({ volumeIds }: ResolvedRestore, { pointId, machine: { volumes } }: PointFacts): readonly VolumeFacts[] {
  if (!volumeIds) return volumes;
  const missing = volumeIds.filter((id) => !volumes.some(({ volumeId }) => volumeId === id));
  if (missing.length === 0) return volumes.filter(({ volumeId }) => volumeIds.includes(volumeId));
  const known = volumes.map(({ volumeId }) => volumeId).join(', ');
  throw failure('PointMissing', `recovery point ${pointId} holds ${known}, not ${missing.join(', ')}`, { pointId });
}

interface CreateOrder {
  readonly run: Run;
  readonly restore: ResolvedRestore;
  readonly point: PointFacts;
  readonly snapshots: readonly SnapshotFacts[];
}

type Created = Partial<Pick<LaunchedForPeople, 'machine'>> & {
  readonly volumes: readonly RestoredVolume[];
  readonly isolation: LaunchedForPeople['isolation'];
};

async function create({ run, restore, point, snapshots }: CreateOrder): Promise<Created> {
  const { place, to } = restore;
  if (to === 'instance') {
    return { ...(await control.launchRestored({ run, place, like: point.machine, snapshots })), volumes: [] };
  }
  const volumes = wanted(restore, point);
  const made = await control.createVolumes({ run, place, sourceZone: point.machine.zone, volumes, snapshots });
  return { volumes: made, isolation: [] };
}

function keyOf(place: RestorePlace): { readonly kmsKeyId?: string } {
  return place.kind === 'isolated' ? place.isolation : place.profile;
}

function nameOf(place: RestorePlace): string {
  return place.kind === 'isolated' ? place.isolation.name : place.profile.name;
}
