import type { RandomBytes } from './clock.ts';
import type { KeyService } from './key-service.ts';

/** The key service behind a name: `kms:<key id or ARN>` or `file:///path/of/key`. */
export function openKeyService(_name: string, _deps: { readonly randomBytes: RandomBytes }): KeyService {
  throw new Error('not written yet');
}
