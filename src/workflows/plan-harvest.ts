import { type AgentPlan, outputRegion, outputVolume } from '../contract/agent-output.ts';
import type { MachineFacts, VolumeFacts } from '../contract/machine.ts';
import type { ResolvedBackup } from '../contract/resolved-backup.ts';

/** Where the agents of a clone write, and what becomes of it. */
export interface HarvestPlan {
  readonly plan: AgentPlan;
  /** What they wrote, as a volume of the recovery point. */
  readonly volume: VolumeFacts;
  /** Where it begins on the scratch volume. */
  readonly fromByte: number;
}

export function planHarvest({ limits }: ResolvedBackup, machine: MachineFacts): HarvestPlan {
  const region = outputRegion(limits, machine.volumes);
  return {
    plan: { agentMs: limits.agentMs, region },
    volume: outputVolume(machine, region),
    fromByte: region.fromGiB * 2 ** 30,
  };
}
