import { z } from 'zod';
import { Timezone } from './timezone.ts';

/** More would keep nothing more: 10,000 hours are over a year, and a vault with that many points per rule wants none. */
const Slots = z.int().min(1).max(10_000);

/**
 * What to keep of each machine's points. Every rule with a number keeps the newest point of that many of its periods (or
 * of the `last` points); a point that any rule keeps stays.
 */
export const RetentionRules = z
  .strictObject({
    last: Slots.optional(),
    hourly: Slots.optional(),
    daily: Slots.optional(),
    weekly: Slots.optional(),
    monthly: Slots.optional(),
    yearly: Slots.optional(),
    /** Everything that is younger, such as `48h`, `30d` or `8w`. */
    within: z
      .string()
      .regex(/^[1-9]\d{0,4}[hdw]$/, 'must be a time such as "48h", "30d" or "8w"')
      .optional(),
    /** Whose hours, days, weeks, months and years; an IANA name such as `Europe/Berlin`. */
    timezone: Timezone.default('UTC'),
  })
  .refine(({ timezone: _, ...rules }) => Object.values(rules).some((rule) => rule !== undefined), {
    message:
      'must have a rule (last, hourly, daily, weekly, monthly, yearly or within): without one nothing would stay',
  });
export type RetentionRules = z.output<typeof RetentionRules>;
