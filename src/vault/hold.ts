import { z } from 'zod';
import { RunId, Time } from './fields.ts';

const Reason = z.string().min(1).max(2000);

/** `holds/<pointId>/<holdId>.json`: the point must not expire. Signed by the control key; ended by its release only. */
export const Hold = z.strictObject({ pointId: RunId, holdId: RunId, placedAt: Time, reason: Reason });
export type Hold = z.infer<typeof Hold>;

/** `holds/<pointId>/<holdId>.release.json`: ends exactly this hold, for good. */
export const HoldRelease = z.strictObject({ pointId: RunId, holdId: RunId, releasedAt: Time, reason: Reason });
export type HoldRelease = z.infer<typeof HoldRelease>;
