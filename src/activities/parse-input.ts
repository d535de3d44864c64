import type { z } from 'zod';
import { readInput } from '../contract/read-input.ts';
import { ConfigurationError } from '../errors.ts';

/** What people type by hand; a refusal shows an input that would do. */
export function parseInput<S extends z.ZodType>(
  schema: S,
  input: unknown,
  workflow: string,
  example: string,
): z.output<S> {
  const read = readInput(schema, input, { workflow, example });
  if (read.refusal !== undefined) throw new ConfigurationError('InvalidInput', read.refusal);
  return read.input;
}
