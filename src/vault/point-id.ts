import { ConfigurationError } from '../errors.ts';
import { RunId } from './fields.ts';

/** InvalidInput for a text that names no point in any vault; it would become part of an object's key. */
export function mustBePointId(text: string): void {
  if (RunId.safeParse(text).success) return;
  const message = `'${text}' is no id of a recovery point; 'understudy points' lists them`;
  throw new ConfigurationError('InvalidInput', message);
}
