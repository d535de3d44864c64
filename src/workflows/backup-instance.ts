import { CancellationScope, patched } from '@temporalio/workflow';
import type { MachineFacts } from '../contract/machine.ts';
import { type Phase, phasesOf } from '../contract/progress.ts';
import type { ResolvedBackup } from '../contract/resolved-backup.ts';
import type { BackupResult, Leftover, RetainedClone } from '../contract/results.ts';
import type { Run } from '../contract/run.ts';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { archiveVolumes } from './archive-volumes.ts';
import { awaitAgents } from './await-agents.ts';
import { bootMachine } from './boot-machine.ts';
import { captureProduction } from './capture-production.ts';
import { checkCommitted } from './check-committed.ts';
import { commitRun } from './commit-run.ts';
import { readableFailure, withinLimit } from './failures.ts';
import { identifyRun, newRunId } from './identify-run.ts';
import { indexCommitted } from './index-committed.ts';
import { mustComeFromParent } from './must-come-from-parent.ts';
import { planHarvest } from './plan-harvest.ts';
import { answering, cleanUp, control } from './proxies.ts';
import { type QuietClone, quiesceClone } from './quiesce-clone.ts';
import * as say from './summaries.ts';
import { type PhaseTracker, trackPhases } from './track-phases.ts';
import { verifyCommitted } from './verify-committed.ts';

/** Makes one recovery point of one instance. Production is read and snapshotted, nothing else. */
export async function backupInstance(backup: ResolvedBackup): Promise<BackupResult> {
  mustComeFromParent('backupInstance', 'requestBackup');
  const { instanceId, deploymentId, limits, searchAttributes } = backup;
  const run = identifyRun({ runId: newRunId(), deploymentId, sourceId: instanceId, runMs: limits.runMs });
  const title = `Backup of ${instanceId}`;
  const attributes = [{ key: SEARCH_ATTRIBUTES.pointId, value: run.runId }];
  const phases = trackPhases<Phase>({
    runId: run.runId,
    title,
    phases: phasesOf(backup),
    searchAttributes,
    attributes,
  });
  const leftovers: Leftover[] = [];
  try {
    const made = await makePoint({ run, backup, phases, leftovers });
    // After clean-up: it reads the vault alone, and a large disk takes long.
    const indexed = made.fileIndex ? {} : await indexCommitted({ run, backup, phases });
    return { ...made, ...indexed, phases: phases.finish('done'), leftovers };
  } catch (error) {
    phases.finish('failed');
    throw readableFailure(error, { phase: phases.failed(), leftovers });
  }
}

/** Runs that began before this change list files before they clean up, as their histories say. */
const CLEAN_UP_FIRST = 'clean-up-before-index';

interface PointOrder {
  readonly run: Run;
  readonly backup: ResolvedBackup;
  readonly phases: PhaseTracker<Phase>;
  /** Filled by clean-up, whichever way the run ends. */
  readonly leftovers: Leftover[];
}

type MadePoint = Omit<BackupResult, 'phases' | 'leftovers'>;

async function makePoint({ run, backup, phases, leftovers }: PointOrder): Promise<MadePoint> {
  let done = false;
  try {
    return await withinLimit(backup.limits.runMs, async () => {
      const { machine, checks, increment } = await phases.run(
        'preflight',
        () => answering.preflight({ run, backup }),
        say.preflight,
      );
      const capture = await phases.run('capture', () => captureProduction(run, machine, backup.vault), say.capture);
      const harvest = backup.method === 'application-agent' ? planHarvest(backup, machine) : undefined;
      const agents = harvest?.plan;
      const images = { role: 'clone', like: machine, snapshots: capture.snapshots } as const;
      const order = { run, ...images, ...backup, ...(agents && { agents }) };
      const booted = await phases.run('clone', () => bootMachine(order), say.boot);
      const waiting = { run, booted, agents: backup.recipes.length, limits: backup.limits };
      const clone = agents ? await phases.run('agents', () => awaitAgents(waiting), say.agents) : booted;
      const end = await phases.run('shutdown', () => quiesceClone({ run, backup, machine, clone }), say.shutdown);
      const facts = { run, backup, machine, capture, clone, end, increment, harvest };
      const volumes = await phases.run('archive', () => archiveVolumes({ ...facts, phases }), say.archive);
      const consistency = await phases.run('commit', () => commitRun({ ...facts, volumes }), say.commit);
      const retained = backup.retain.snapshots ? await retainClone(facts) : undefined;
      const verified = await verifyPoint({ run, backup, phases });
      done = true;
      const indexed = patched(CLEAN_UP_FIRST) ? {} : await indexCommitted({ run, backup, phases });
      return {
        pointId: run.runId,
        runId: run.runId,
        vault: backup.vault,
        instanceId: run.sourceId,
        pointInTime: capture.startTime,
        preflight: checks,
        isolation: clone.isolation,
        consistency,
        ...(harvest && { agents: end.examined.report.harvest?.records ?? [] }),
        volumes: volumes.map(({ map: _map, changes: _changes, base: _base, byHints: _byHints, ...volume }) => volume),
        ...(retained && { retained }),
        ...verified,
        ...indexed,
      };
    });
  } finally {
    // On success too: no clone outlives its run. It finds resources by run tag, so any half-done step is covered, and it
    // returns leftovers instead of throwing: a throw here would replace the error that matters.
    // Only a point of disks that was committed and that no verification refuted may be a parent: its capture stays.
    const keepCapture = done && !backup.outputOnly;
    const removal = { run, done, keepCapture, replacedCaptures: keepCapture ? 'remove' : 'keep' } as const;
    const remove = () => phases.run('clean-up', () => cleanUp.removeRunResources(removal), say.cleanUp);
    leftovers.push(...(await CancellationScope.nonCancellable(remove)));
  }
}

/** As deep as the request says: by a launch, or by reading the vault only. */
async function verifyPoint({
  run,
  backup,
  phases,
}: Omit<PointOrder, 'leftovers'>): Promise<Pick<BackupResult, 'verification' | 'check'>> {
  const { verify, vault } = backup;
  if (verify === false) return {};
  if (verify === true) {
    return { verification: await phases.run('verify', () => verifyCommitted({ run, backup }), say.verification) };
  }
  const order = { vault, level: verify, pointId: run.runId };
  return { check: await phases.run('verify', () => checkCommitted(order), say.check) };
}

function retainClone(order: {
  readonly run: Run;
  readonly machine: MachineFacts;
  readonly end: QuietClone;
}): Promise<RetainedClone> {
  return control.retainImage({ run: order.run, like: order.machine, snapshots: order.end.snapshots.disks });
}
