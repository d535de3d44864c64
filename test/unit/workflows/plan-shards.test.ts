import { expect, test } from 'vitest';
import { countShards, planShardSegments } from '../../../src/workflows/plan-shards.ts';

const GIB = 2 ** 30;
const TIB = 2 ** 40;
/** Scheduled, started and completed, and the same of the workflow task that follows. */
const EVENTS_PER_SHARD = 6;
/** Temporal ends a workflow whose history is longer. */
const HISTORY_EVENTS = 51_200;

test.each([
  { bytes: 40 * GIB, wanted: 1, planned: 1 },
  { bytes: 4 * TIB, wanted: 1, planned: 1 },
  { bytes: 4 * TIB + 1, wanted: 1, planned: 2 },
  { bytes: 64 * TIB, wanted: 1, planned: 16 },
  { bytes: 64 * TIB, wanted: 16, planned: 16 },
])('a volume of $bytes bytes, wanted $wanted segments a shard, fits a history with $planned', (of) => {
  const planned = planShardSegments(of.bytes, of.wanted);
  expect(planned).toBe(of.planned);
  expect(countShards(of.bytes, planned) * EVENTS_PER_SHARD).toBeLessThan(HISTORY_EVENTS / 4);
});
