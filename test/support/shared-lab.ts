import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { configFile } from '../../local/up/lab-env.ts';
import { type Lab, type LabOptions, startLab } from '../../local/up/start-lab.ts';

/** As by default, but for what follows. */
const CLOUD = {
  // Tests capture production every few seconds, and whoever is refused for that comes again after 30 s. That the cloud
  // refuses, and that the product then waits, have tests of their own.
  snapshots: { spacingMs: 0 },
  // What was just made may be unknown by its id, too, which the product has to bear.
  lookupLagMs: 100,
  instanceTypes: {
    't3.small': { vcpus: 1, memoryMiB: 512 },
    // A disk of its own, which no capture holds.
    'm5d.large': { vcpus: 1, memoryMiB: 512, instanceStorageGiB: 75 },
  },
};

export interface SharedLab {
  readonly lab: Lab;
  /** Workers that an earlier file left running work by another configuration than this file wants. */
  readonly configChanged: boolean;
}

/**
 * The lab of whoever runs this file: one for all files that the same slot of vitest runs one after another, since
 * bringing one up costs 30 s of processor time. Files in other slots have another cloud, vault and Temporal server, so
 * a file may kill and break what it wants as long as it puts it right again.
 */
export async function startSharedLab(options: Pick<LabOptions, 'limits' | 'recipes'> = {}): Promise<SharedLab> {
  const slot = process.env.VITEST_POOL_ID ?? '1';
  const stateDir = join(inject('labsDir'), `lab-${slot}`);
  const readConfig = () => readFile(configFile(stateDir), 'utf8').catch(() => undefined); // none before the first start
  const before = await readConfig();
  const lab = await startLab({ stateDir, cloud: CLOUD, ...options });
  return { lab, configChanged: (await readConfig()) !== before };
}
