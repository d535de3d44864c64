import { ConfigurationError } from '../errors.ts';
import { Config, type ConfigInput } from './schema.ts';

/** Checks a configuration; a wrong field is refused with its path. */
export function defineConfig(input: ConfigInput): Config {
  const parsed = Config.safeParse(input);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => `${issue.path.join('.') || '(top level)'}: ${issue.message}`);
  throw new ConfigurationError('InvalidConfiguration', `temporal.config.ts is not valid:\n  ${fields.join('\n  ')}`);
}
