import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '../errors.ts';
import type { RandomBytes } from './clock.ts';
import { createFileKeyService } from './file/file-keys.ts';
import type { KeyService } from './key-service.ts';
import { createKmsClient, createKmsKeyService } from './kms/kms-keys.ts';

/** The key service behind a name: `kms:<key id or ARN>` or `file:///path/of/key`. */
export function openKeyService(name: string, { randomBytes }: { readonly randomBytes: RandomBytes }): KeyService {
  if (name.startsWith('kms:') && name.length > 4) return createKmsKeyService(createKmsClient(), name.slice(4));
  if (name.startsWith('file:///') && URL.canParse(name)) return createFileKeyService(fileURLToPath(name), randomBytes);
  const message = `'${name}' names no key; write kms:<key id or ARN> or file:///path/of/key`;
  throw new ConfigurationError('InvalidConfiguration', message);
}
