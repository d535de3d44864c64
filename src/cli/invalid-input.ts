import type { z } from 'zod';
import { ConfigurationError } from '../errors.ts';

/** Names each wrong field. */
export function invalidInput({ issues }: z.ZodError): ConfigurationError {
  const fields = issues.map(({ path, message }) => `${path.join('.') || '(all)'}: ${message}`);
  return new ConfigurationError('InvalidInput', fields.join('\n'));
}
