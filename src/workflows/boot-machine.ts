import type { LaunchOrder, MachineOrder } from '../activities/machine.ts';
import type { EvidenceRequest } from '../activities/seal-evidence.ts';
import type { WatchOutcome } from '../activities/watch.ts';
import type { Check } from '../contract/check.ts';
import type { EvidenceRef } from '../contract/evidence.ts';
import type { OwnMachine, SnapshotFacts } from '../contract/machine.ts';
import type { Limits } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import { sealedNames } from '../contract/sealed-names.ts';
import { failure } from './failures.ts';
import { control, mover, watching } from './proxies.ts';

export interface BootOrder extends Omit<MachineOrder, 'recoverMs' | 'stopMs'> {
  readonly vault: string;
  readonly snapshots: readonly SnapshotFacts[];
  readonly limits: Limits;
}

export interface BootedMachine {
  readonly machine: OwnMachine;
  readonly outcome: WatchOutcome;
  /** How the running machine was shown to reach nothing. */
  readonly isolation: readonly Check[];
  /** Of machines that were given up on the way. */
  readonly evidence: readonly EvidenceRef[];
  /** Of this machine, there when it is off. */
  readonly photographs: Promise<readonly EvidenceRef[]>;
}

/** A first machine may stand on a broken host; a second one that is silent too says something about the image. */
const ATTEMPTS = 2;

/**
 * Launches a machine of ours and waits until its applications were asked whether they recovered. One without a sign of
 * life leaves its console and screen as evidence, is terminated and launched once more.
 */
export async function bootMachine({ vault, snapshots, limits, ...order }: BootOrder): Promise<BootedMachine> {
  // Half of it: what stops applications by their own scripts, past which the machine's own shutdown shall still end in order.
  const whole = { ...order, recoverMs: limits.recoverMs, stopMs: limits.shutdownMs / 2 };
  const { scratchSnapshotId } = await control.prepareScratch({ ...whole, scratchGiB: limits.scratchGiB });
  const evidence: EvidenceRef[] = [];
  for (let attempt = 1; ; attempt++) {
    const launch: LaunchOrder = { ...whole, attempt, snapshots, scratchSnapshotId };
    const { machine, isolation } = await control.launchMachine(launch);
    const photographs = photograph({ run: order.run, vault, machine });
    const outcome = await watching.awaitRecovered({ run: order.run, machine, since: Date.now(), limits });
    if (outcome.saw !== 'no-sign') return { machine, outcome, isolation, evidence, photographs };
    evidence.push(...(await mover.keepEvidence({ run: order.run, vault, machine })));
    await control.terminateMachine({ run: order.run, machineId: machine.machineId });
    evidence.push(...(await photographs));
    if (attempt === ATTEMPTS) throw silent(order.run, machine, { limits, evidence });
  }
}

/** A screen can be seen only while its machine runs, so this goes on beside everything else until that is off. */
function photograph(order: EvidenceRequest): Promise<readonly EvidenceRef[]> {
  const taken = mover.photograph({ ...order, since: Date.now() });
  // Whoever waits for it gets its failure; a run that has failed before must not fail its workflow task by this one.
  taken.catch(() => undefined);
  return taken;
}

interface Silence {
  readonly limits: Limits;
  readonly evidence: readonly EvidenceRef[];
}

function silent({ runId }: Run, { machineId, role }: OwnMachine, { limits: { firstSignMs }, evidence }: Silence) {
  return failure(
    'CloneNotAlive',
    `two ${role} machines gave no sign of life within ${firstSignMs / 1000} s each (last: ${machineId}). Does the image run cloud-init and boot from this snapshot?\nConsoles and screenshots, sealed in the vault: ${sealedNames(runId, evidence)}`,
    { machineId, attempts: ATTEMPTS },
    { evidence },
  );
}
