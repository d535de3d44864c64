import { CloudError } from '../cloud-error.ts';

/** Path and query of a request line, both still encoded. */
export function splitTarget(target: string): [path: string, query: string] {
  const cut = target.indexOf('?');
  return cut < 0 ? [target, ''] : [target.slice(0, cut), target.slice(cut + 1)];
}

/** `%` escapes taken away; those that are none are the caller's mistake. */
export function decodeEscapes(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new CloudError('MalformedQueryString', `The request line has malformed escapes: ${text.slice(0, 100)}`);
  }
}
