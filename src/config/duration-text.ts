import { z } from 'zod';

/** As Temporal writes durations, without the fractions that nobody needs here. */
export type DurationText = `${number}${'s' | 'm' | 'h' | 'd'}`;

/** How long something may take, such as `30m`; nothing at all is a duration too. */
export const DurationText = z.string().transform((text, context) => {
  if (isDuration(text)) return text;
  context.addIssue('must be a duration such as "30m" or "6h"');
  return z.NEVER;
});

/** How often something is done: never a time of nothing. */
export const Interval = DurationText.refine((text) => /[1-9]/.test(text), 'must be longer than nothing');

function isDuration(text: string): text is DurationText {
  return /^\d+(s|m|h|d)$/.test(text);
}
