import { z } from 'zod';
import { RunId, Time } from './fields.ts';

/** At `points/<runId>.json` instead of a commit: this run is over for good. */
export const Fence = z.strictObject({
  outcome: z.literal('abandoned'),
  runId: RunId,
  fencedAt: Time,
  reason: z.string().max(2000),
});
export type Fence = z.infer<typeof Fence>;
