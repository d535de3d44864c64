import { freeDeviceName } from './device-names.ts';
import type { AgentRecord } from './evidence.ts';
import type { MachineFacts, VolumeFacts } from './machine.ts';
import type { Limits } from './resolved-backup.ts';

/** Where agents' output lies on the scratch volume: behind the results, which keep their own room whatever agents write. */
export interface OutputRegion {
  readonly fromGiB: number;
  readonly giB: number;
}

/** What a machine of ours has to do with agents. */
export interface AgentPlan {
  /** Each script of an agent or of a load may take so long. */
  readonly agentMs: number;
  /** Where agents write in a clone; the room for loading in a verification machine. */
  readonly region: OutputRegion;
  /** In a verification machine: what the point's agents are recorded to have written. */
  readonly wrote?: { readonly pointId: string; readonly records: readonly AgentRecord[] };
}

const GIB = 2 ** 30;

/** The region is a partition of an MBR, which counts 2^32 sectors of 512 bytes; one GiB at least lies before it. */
export const MAX_OUTPUT_GIB = 2_047;

/** As a volume of the recovery point and of the verification machine, beside production's own ids. */
export const OUTPUT_VOLUME_ID = 'agent-output';

/** Room for what agents write, or for loading it: as configured, else as much as the machine's volumes hold together. */
export function outputRegion(limits: Limits, volumes: readonly Pick<VolumeFacts, 'bytes'>[]): OutputRegion {
  const sum = volumes.reduce((total, { bytes }) => total + bytes, 0);
  const giB = limits.outputGiB ?? Math.max(1, Math.ceil(sum / GIB));
  return { fromGiB: limits.scratchGiB, giB: Math.min(giB, MAX_OUTPUT_GIB + 1 - limits.scratchGiB) };
}

/** From p on downwards, where no data volume is likely to be; the scratch volume takes the first free one from f. */
const LETTERS = 'ponmlkjihgfqrstuvwxyz';

/** The output as a volume of its own, made and encrypted as its machine's root volume is. */
export function outputVolume({ volumes }: Pick<MachineFacts, 'volumes'>, { giB }: OutputRegion): VolumeFacts {
  const { encrypted = false, kmsKeyId } = volumes.find(({ root }) => root) ?? {};
  return {
    volumeId: OUTPUT_VOLUME_ID,
    deviceName: freeDeviceName(LETTERS, volumes),
    bytes: giB * GIB,
    type: 'gp3',
    encrypted,
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    multiAttach: false,
    root: false,
  };
}
