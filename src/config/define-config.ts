import type { z } from 'zod';
import { ConfigurationError } from '../errors.ts';
import { Config, type ConfigInput } from './schema.ts';

/** Checks a configuration; a wrong field is refused with its path. */
export function defineConfig(input: ConfigInput): Config {
  return checkConfig(input, 'the configuration');
}

/** The same for anything that a module or a program hands over; `where` names it in the message. */
export function checkConfig(input: unknown, where: string): Config {
  const parsed = Config.safeParse(input);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => `${issue.path.join('.') || '(top level)'}: ${reasonOf(issue)}`);
  throw new ConfigurationError('InvalidConfiguration', `${where} is not valid:\n  ${fields.join('\n  ')}`);
}

type Issue = z.core.$ZodIssue;

/** Of a key that is no name and of a choice that is none, zod says only that it is so; the reasons lie below. */
function reasonOf(issue: Issue): string {
  if (issue.code === 'invalid_key') return below(issue.issues);
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue.message;
  return issue.errors.map(below).join(', or ');
}

function below(issues: readonly Issue[]): string {
  return issues.map(reasonOf).join(' and ');
}
