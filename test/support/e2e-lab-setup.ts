import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startLab } from '../../local/up/start-lab.ts';
import { stopLab } from '../../local/up/stop-lab.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly labDir: string;
  }
}

/** As by default, and a type with a disk of its own, which no capture holds. */
const CLOUD = {
  instanceTypes: {
    't3.small': { vcpus: 1, memoryMiB: 512 },
    'm5d.large': { vcpus: 1, memoryMiB: 512, instanceStorageGiB: 75 },
  },
};

/** One lab for all end-to-end tests: bringing one up costs about 30 s on two cores. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stateDir = await mkdtemp(join(tmpdir(), 'understudy-e2e-'));
  const end = async () => {
    await stopLab(stateDir);
    await rm(stateDir, { recursive: true, force: true });
  };
  try {
    await startLab({ stateDir, cloud: CLOUD, write: (text) => process.stderr.write(text) });
  } catch (error) {
    await end();
    throw error;
  }
  project.provide('labDir', stateDir);
  return end;
}
