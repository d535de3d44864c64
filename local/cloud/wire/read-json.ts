import { CloudError } from '../cloud-error.ts';

/** No request of these services nests deeper than 10; every walk through one may then be recursive. */
const MAX_DEPTH = 100;

/** The body as JSON, or an error that the service calls `code`. */
export function readJson(body: Buffer, code: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new CloudError(code, 'The body is not JSON');
  }
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw new CloudError(code, `The body nests deeper than ${MAX_DEPTH}`);
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
  }
  return value;
}
