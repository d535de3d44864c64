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
  const fields = parsed.error.issues.map((issue) => `${issue.path.join('.') || '(top level)'}: ${issue.message}`);
  throw new ConfigurationError('InvalidConfiguration', `${where} is not valid:\n  ${fields.join('\n  ')}`);
}
