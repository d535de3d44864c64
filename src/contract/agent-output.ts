import type { VolumeFacts } from './machine.ts';
import type { Limits } from './resolved-backup.ts';

/** Where agents' output lies on the scratch volume: behind the results, which keep their own room whatever agents write. */
export interface OutputRegion {
  readonly fromGiB: number;
  readonly giB: number;
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
  return { fromGiB: limits.scratchGiB, giB: Math.min(giB, MAX_OUTPUT_GIB) };
}
