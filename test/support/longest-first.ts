import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * What takes longest on two cores, in this order; all others come after, in vitest's own order. A file of five minutes
 * that is the last to begin leaves one of two cores idle for as long: 170 s of 850 in one run of the end-to-end tests.
 * The table at the end of a run says when this list has to change.
 */
const LONGEST = [
  'test/e2e/main-job',
  'test/e2e/agents',
  'test/e2e/kills',
  'test/e2e/verification',
  'test/e2e/cancel-and-sweep',
  'test/e2e/consistency',
  'test/e2e/run-command',
  'test/integration/local/guest/machine',
  'test/integration/local/cloud/machine',
  'test/integration/workflows/backup-instance',
  'test/integration/local/up/lab',
  'test/integration/cli/recover',
];

/** Files of one project in the order in which they should begin. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rank(a.moduleId) - rank(b.moduleId));
  }
}

function rank(file: string): number {
  const found = LONGEST.findIndex((name) => file.endsWith(`/${name}.test.ts`));
  return found < 0 ? LONGEST.length : found;
}
