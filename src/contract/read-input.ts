import { z } from 'zod';

/** Whose input it is, and one that would do. */
export interface InputOf {
  readonly workflow: string;
  readonly example: string;
}

export type ReadInput<T> =
  | { readonly input: T; readonly refusal?: undefined }
  | { readonly input?: undefined; readonly refusal: string };

/** What people type by hand; a refusal is one line, for the web interface, and shows an input that would do. */
export function readInput<S extends z.ZodType>(
  schema: S,
  typed: unknown,
  { workflow, example }: InputOf,
): ReadInput<z.output<S>> {
  const parsed = schema.safeParse(typed);
  if (parsed.success) return { input: parsed.data };
  const wrong =
    typed === undefined || typed === null ? 'there is no input' : z.prettifyError(parsed.error).replaceAll('\n', ' ');
  return { refusal: `${workflow}: ${wrong}. The input is one object, for example ${example}` };
}
