import type { Run } from '../../src/contract/run.ts';

/** For tests to which it does not matter whose run it is. */
export const TEST_RUN: Run = {
  runId: '20261123T023107Z-9f2c01ab',
  deploymentId: 'deployment',
  workflowId: 'w',
  temporalRunId: 't',
  sourceId: 'i-production',
  expiresAt: '2026-11-30T00:00:00.000Z',
};
