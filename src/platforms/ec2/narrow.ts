import { PlatformError } from '../../errors.ts';

/** Every field of an AWS answer is optional in its types: narrowed here, once, by name. */
export function present<T>(value: T | undefined | null, field: string, of: string): T {
  if (value !== undefined && value !== null) return value;
  throw new PlatformError(
    'PlatformAnswerIncomplete',
    `The answer about ${of} has no ${field}. Try again; if it stays so, report it.`,
  );
}

export const GIB = 2 ** 30;
