import { z } from 'zod';
import { ConfigurationError } from '../errors.ts';

/** What people type by hand; a refusal shows an input that would do. */
export function parseInput<S extends z.ZodType>(
  schema: S,
  input: unknown,
  workflow: string,
  example: string,
): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const wrong =
    input === undefined || input === null ? 'there is no input' : z.prettifyError(parsed.error).replaceAll('\n', ' ');
  throw new ConfigurationError(
    'InvalidInput',
    `${workflow}: ${wrong}. The input is one object, for example ${example}`,
  );
}
