import { z } from 'zod';

/** An absolute path with `*` in its segments, and nothing else that a shell would look at. */
export const PathPattern = z
  .string()
  .regex(/^(\/[A-Za-z0-9_.*-]+)+$/, 'must be an absolute path of letters, digits, "_", ".", "-" and "*"');

/** Becomes a file name on the scratch volume. */
export const FactName = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,39}$/, 'must be a short name such as "transfers"');
