import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '../errors.ts';
import { createAgeKeyService } from './age/age-keys.ts';
import type { RandomBytes } from './clock.ts';
import { createFileKeyService } from './file/file-keys.ts';
import type { KeyService, RootRecipient } from './key-service.ts';
import { createKmsClient, createKmsKeyService } from './kms/kms-keys.ts';

/**
 * The key service behind a name: `kms:<key id, ARN or alias>`, `file:///path/of/key` or `age:///path/of/identity`.
 */
export function openKeyService(name: string, { randomBytes }: { readonly randomBytes: RandomBytes }): KeyService {
  if (name.startsWith('kms:') && name.length > 4) return createKmsKeyService(createKmsClient(), name.slice(4));
  if (name.startsWith('file:///') && URL.canParse(name)) return createFileKeyService(fileURLToPath(name), randomBytes);
  if (name.startsWith('age:///') && URL.canParse(name)) {
    return createAgeKeyService(fileURLToPath(name.replace('age:', 'file:')), randomBytes);
  }
  const message = `'${name}' names no key; write kms:<key id or ARN>, file:///path/of/key or age:///path/of/identity`;
  throw new ConfigurationError('InvalidConfiguration', message);
}

/** The recipient that a vault notes; undefined when it cannot be wrapped for from here, as a key file elsewhere. */
export async function openNotedRecipient(
  { kind, id }: { readonly kind: string; readonly id: string },
  injected: { readonly randomBytes: RandomBytes },
): Promise<RootRecipient | undefined> {
  if (kind === 'age') return openAgeRecipient(id);
  return kind === 'kms' ? openKeyService(`kms:${id}`, injected) : undefined;
}

/** Somebody to wrap roots for: `age1…`, or the name of a key service. */
export async function openRecipient(
  name: string,
  { randomBytes }: { readonly randomBytes: RandomBytes },
): Promise<RootRecipient> {
  return /^(kms|file):/.test(name) ? openKeyService(name, { randomBytes }) : openAgeRecipient(name);
}

/** Its curves cost 80 ms to load, which only those pay who use them. */
async function openAgeRecipient(recipient: string): Promise<RootRecipient> {
  const { createAgeRecipient } = await import('./age/age-recipient.ts');
  return createAgeRecipient(recipient);
}
