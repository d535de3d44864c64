import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * What takes longest on two cores begins first, so that none of it is left when everything else has ended. The two of the
 * end-to-end tests that keep both cores busy by themselves begin last: integration tests beside them would only slow
 * both. The table at the end of a run says when this has to change.
 */
const FIRST = [
  'test/e2e/main-job',
  'test/e2e/agents',
  'test/e2e/cancel-and-sweep',
  'test/e2e/consistency',
  'test/e2e/isolation',
  'test/e2e/run-command',
  'test/e2e/refusals',
  'test/e2e/hostile-guest',
];
/** Machines of integration tests come when the client load of `main-job` is over, which costs by the minute. */
const LAST = [
  'test/e2e/kills',
  'test/e2e/verification',
  'test/integration/local/guest/machine',
  'test/integration/local/cloud/machine',
  'test/integration/platforms/ec2',
  'test/integration/cli/recover',
  'test/integration/local/up/lab',
  'test/integration/appliance/kernel-reader',
];

/** Files of one project in the order in which they should begin; those that are not named, in vitest's own. */
export class PackedSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rank(a.moduleId) - rank(b.moduleId));
  }
}

/** Below zero what comes first, above it what comes last. */
function rank(file: string): number {
  const placeIn = (names: readonly string[]) => names.findIndex((name) => file.endsWith(`/${name}.test.ts`));
  const early = placeIn(FIRST);
  return early < 0 ? placeIn(LAST) + 1 : early - FIRST.length;
}
