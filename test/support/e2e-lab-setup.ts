import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { stopLab } from '../../local/up/stop-lab.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly labsDir: string;
  }
}

/** The labs of the end-to-end tests come up with the first file that needs each of them, and end here. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const labsDir = await mkdtemp(join(tmpdir(), 'understudy-e2e-'));
  project.provide('labsDir', labsDir);
  return async () => {
    await Promise.all((await readdir(labsDir)).map((name) => stopLab(join(labsDir, name))));
    await rm(labsDir, { recursive: true, force: true });
  };
}
