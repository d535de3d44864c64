import { patched } from '@temporalio/workflow';
import type { StoppedSnapshots } from '../activities/machine.ts';
import type { WatchOutcome } from '../activities/watch.ts';
import type { Observation, OwnMachine, SnapshotFacts } from '../contract/machine.ts';
import type { Limits } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import { failure } from './failures.ts';
import { control, polling, watching } from './proxies.ts';

export interface StopOrder {
  readonly run: Run;
  readonly machine: OwnMachine;
  /** What was seen last; a machine that is off already is not waited for. */
  readonly outcome: WatchOutcome;
  readonly limits: Limits;
  readonly scratchOnly: boolean;
  readonly retain: boolean;
}

export interface StoppedMachine {
  readonly observation: Observation;
  /** Past the limit StopInstances was called: an orderly end can no longer be proven. */
  readonly stoppedByUs: boolean;
  readonly snapshots: StoppedSnapshots;
}

/** Runs that lost their machine before this change take it as a word against the point, as their histories say. */
const LOST_SAYS_NOTHING = 'machine-lost';

/** Waits until the machine has powered itself off, stops it past the limit, and snapshots what it left. */
export async function stopAndSnapshot(order: StopOrder): Promise<StoppedMachine> {
  const { run, machine, limits, scratchOnly, retain } = order;
  const watch = { run, machine, since: Date.now(), limits };
  let last =
    order.outcome.saw !== 'stopped' && order.outcome.saw !== 'terminated'
      ? await watching.awaitStopped(watch)
      : order.outcome;
  const stoppedByUs = last.saw === 'limit';
  if (stoppedByUs) last = await watching.stopMachine(watch);
  if (last.saw === 'terminated') {
    const why = last.observation.reasonMessage ?? last.observation.reasonCode ?? 'no reason given';
    throw failure(
      patched(LOST_SAYS_NOTHING) ? 'MachineLost' : 'CloneNotAlive',
      `${machine.machineId} was terminated by somebody else (${why}); its disks are gone`,
    );
  }
  const snapshots = await control.snapshotStopped({ run, machine, scratchOnly, retain });
  const completed = await polling.awaitSnapshots({ snapshots: [...snapshots.disks, snapshots.scratch] });
  const now = (snapshot: SnapshotFacts) =>
    completed.find(({ snapshotId }) => snapshotId === snapshot.snapshotId) ?? snapshot;
  return {
    observation: last.observation,
    stoppedByUs,
    snapshots: { disks: snapshots.disks.map(now), scratch: now(snapshots.scratch) },
  };
}
