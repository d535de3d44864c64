import { z } from 'zod';

/** An IANA name such as `Europe/Berlin`. */
export const Timezone = z.string().refine(isTimezone, 'must be a time zone such as "UTC" or "Europe/Berlin"');

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
