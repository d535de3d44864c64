import type { z } from 'zod';
import { type InputOf, readInput } from '../contract/read-input.ts';
import { failure } from './failures.ts';

/** For workflows that need nothing of the configuration, and so no activity, to understand what was typed. */
export function acceptInput<S extends z.ZodType>(schema: S, typed: unknown, of: InputOf): z.output<S> {
  const read = readInput(schema, typed, of);
  if (read.refusal !== undefined) throw failure('InvalidInput', read.refusal);
  return read.input;
}
