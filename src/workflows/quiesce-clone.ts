import type { CloneExamination } from '../activities/examine.ts';
import type { ConsistencyVerdict } from '../contract/evidence.ts';
import type { MachineFacts } from '../contract/machine.ts';
import { type ConsistencyClass, isAtLeast } from '../contract/names.ts';
import type { ResolvedBackup } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import type { BootedMachine } from './boot-machine.ts';
import { failure } from './failures.ts';
import { mustHaveHarvested } from './must-have-harvested.ts';
import { mover } from './proxies.ts';
import { type StoppedMachine, stopAndSnapshot } from './stop-machine.ts';

export interface QuietClone extends StoppedMachine {
  readonly examined: CloneExamination;
}

/** The clone ends itself, and what it left says of which class it is. Below the wanted class the run ends here. */
export async function quiesceClone(order: {
  readonly run: Run;
  readonly backup: ResolvedBackup;
  readonly machine: MachineFacts;
  readonly clone: BootedMachine;
}): Promise<QuietClone> {
  const { run, backup, clone } = order;
  const { machine, outcome } = clone;
  const volumes = backup.outputOnly ? [] : order.machine.volumes;
  const { limits, retain, vault, recipes, method } = backup;
  const stopped = await stopAndSnapshot({
    run,
    machine,
    outcome,
    limits,
    scratchOnly: backup.outputOnly === true,
    retain: retain.snapshots,
  });
  const examined = await mover.examineClone({ run, vault, machine, volumes, recipes, method, ...stopped });
  mustHaveHarvested(examined, run);
  mustBeAtLeast(examined.verdict, backup.atLeast);
  return { ...stopped, examined };
}

/** ConsistencyTooLow names every piece of evidence that is missing. */
export function mustBeAtLeast({ disks, lowered }: ConsistencyVerdict, atLeast: ConsistencyClass): void {
  if (disks === null || isAtLeast(disks, atLeast)) return;
  throw failure(
    'ConsistencyTooLow',
    `the disks are ${disks}, the request wants at least ${atLeast}. What is missing: ${lowered.join('; ')}. Cure it, or accept the class by "atLeast": "${disks}"`,
    { disks, atLeast },
    { lowered },
  );
}
