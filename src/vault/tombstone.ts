import { z } from 'zod';
import { RunId, Time } from './fields.ts';

/** `tombstones/<pointId>.json`: the point has expired. Irrevocable; never deleted. */
export const Tombstone = z.strictObject({ pointId: RunId, expiredAt: Time, reason: z.string().max(2000) });
export type Tombstone = z.infer<typeof Tombstone>;
