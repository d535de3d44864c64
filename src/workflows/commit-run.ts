import type { ArchivedWithChanges } from '../activities/archive.ts';
import type { ConsistencyVerdict } from '../contract/evidence.ts';
import type { Capture, MachineFacts } from '../contract/machine.ts';
import type { ResolvedBackup } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import type { BootedMachine } from './boot-machine.ts';
import type { HarvestPlan } from './plan-harvest.ts';
import { mover } from './proxies.ts';
import { mustBeAtLeast, type QuietClone } from './quiesce-clone.ts';

export interface CommitOrder {
  readonly run: Run;
  readonly backup: ResolvedBackup;
  readonly machine: MachineFacts;
  readonly capture: Capture;
  readonly clone: BootedMachine;
  readonly end: QuietClone;
  readonly volumes: readonly ArchivedWithChanges[];
  readonly harvest: HarvestPlan | undefined;
}

/** Judges what the vault now holds, then makes it a recovery point by one conditional put. */
export async function commitRun(order: CommitOrder): Promise<ConsistencyVerdict> {
  const { run, backup, machine, capture, clone, end, volumes, harvest } = order;
  const { observation, stoppedByUs, snapshots, examined } = end;
  const { console, report, evidence } = examined;
  const proof = { observation, stoppedByUs, console, report };
  const consistency = await mover.confirmFacts({ backup, machine, volumes, ...proof });
  mustBeAtLeast(consistency, backup.atLeast);
  await mover.commitPoint({
    run,
    backup,
    machine,
    capture,
    clone: clone.machine,
    snapshots: snapshots.disks,
    volumes,
    consistency,
    ...(harvest && { output: { volume: harvest.volume, records: report.harvest?.records ?? [] } }),
    evidence: [...clone.evidence, ...(await clone.photographs), ...evidence],
  });
  return consistency;
}
