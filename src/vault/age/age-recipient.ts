import { Encrypter } from 'age-encryption';
import { ConfigurationError } from '../../errors.ts';
import type { RootRecipient } from '../key-service.ts';
import { encodeRoot } from './root-text.ts';

// X25519 (`age1`, 58 characters) and the post-quantum hybrid (`age1pq1`). Recipients of plug-ins (`age1yubikey1…`) are
// refused: only the plug-in's own program could open them, on the day when nothing else is left.
const NATIVE = /^age1(?:[02-9ac-hj-np-z]{58}|pq1[02-9ac-hj-np-z]{1900,2040})$/;

/** Somebody who keeps an age identity (https://age-encryption.org/v1) away from the vault; `age1…` is its public half. */
export function createAgeRecipient(recipient: string): RootRecipient {
  const encrypter = new Encrypter();
  try {
    if (!NATIVE.test(recipient)) throw new Error('not a native recipient');
    encrypter.addRecipient(recipient);
  } catch (cause) {
    // An identity in its place must not reach a log.
    const shown = /^age1/.test(recipient) ? `'${recipient.slice(0, 80)}'` : 'the text given';
    const message = `${shown} is no age recipient; write the line 'age1…' that age-keygen prints as the public key, never the identity`;
    throw new ConfigurationError('InvalidInput', message, { cause });
  }
  return {
    kind: 'age',
    keyId: recipient,
    wrap: async (root, name) => ({ keyId: recipient, wrapped: await encrypter.encrypt(encodeRoot(root, name)) }),
  };
}
