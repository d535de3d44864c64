import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { FormatError, VaultError } from '../../errors.ts';
import type { RandomBytes } from '../clock.ts';
import { type KeyService, ROOT_BYTES, type RootName } from '../key-service.ts';
import { decodeRoot } from './root-text.ts';

/** Loaded when an identity is used: its curves cost everybody else 80 ms of every start. */
const age = () => import('age-encryption');

/** Opens roots with an identity file as age-keygen writes it: comments and one or more `AGE-SECRET-KEY-1…` lines. */
export function createAgeKeyService(path: string, randomBytes: RandomBytes): KeyService {
  async function wrap(root: Uint8Array, name: RootName, signal: AbortSignal) {
    const [first = ''] = await readIdentities(path);
    const [{ createAgeRecipient }, { identityToRecipient }] = await Promise.all([import('./age-recipient.ts'), age()]);
    return createAgeRecipient(await identityToRecipient(first)).wrap(root, name, signal);
  }
  return {
    kind: 'age',
    keyId: basename(path),
    wrap,
    async newRoot(name, signal) {
      const key = randomBytes(ROOT_BYTES);
      return { key, ...(await wrap(key, name, signal)) };
    },
    async unwrap(wrapped, name) {
      const { Decrypter } = await age();
      const decrypter = new Decrypter();
      for (const identity of await readIdentities(path)) decrypter.addIdentity(identity);
      const text = await decrypter.decrypt(wrapped, 'text').catch((cause: unknown) => {
        throw unusable(path, name, 'it is of another recipient, or the wrap is damaged', cause);
      });
      try {
        return decodeRoot(text, name);
      } catch (error) {
        if (error instanceof FormatError) throw unusable(path, name, `the wrap ${error.message}`, error);
        throw error;
      }
    },
  };
}

function unusable(path: string, { vaultId, epoch, purpose }: RootName, why: string, cause: unknown): VaultError {
  const message = `identity ${path} does not open the ${purpose} root of epoch ${epoch} of vault ${vaultId}: ${why}`;
  return new VaultError('KeyUnusable', message, { context: { vaultId, epoch, purpose }, cause });
}

/** Errors name the line, never what stands in it. */
async function readIdentities(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new VaultError('KeyUnusable', `identity ${path} cannot be read; check the path and its mode`, { cause });
  });
  if (/^(age-encryption\.org\/|-----BEGIN AGE)/.test(text)) {
    const message = `identity ${path} is locked with a passphrase; unlock it first: 'age -d ${path}' prints what is in it`;
    throw new VaultError('KeyUnusable', message);
  }
  const identities: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) continue;
    await mustBeIdentity(content, `identity ${path}, line ${index + 1}`);
    identities.push(content);
  }
  if (identities.length > 0) return identities;
  throw new VaultError('KeyUnusable', `identity ${path} holds no AGE-SECRET-KEY- line; age-keygen makes one`);
}

async function mustBeIdentity(content: string, where: string): Promise<void> {
  try {
    if (!/^AGE-SECRET-KEY-(1|PQ-1)/.test(content)) throw new Error('another kind');
    await (await age()).identityToRecipient(content);
  } catch {
    // Without its cause, which may quote the line.
    const message = `${where} is no identity of age (AGE-SECRET-KEY-1…); plug-in identities cannot be used, and every character counts`;
    throw new VaultError('KeyUnusable', message);
  }
}
