import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { FormatError, VaultError } from '../../errors.ts';
import { ascii, fromHex, uuidBytes } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { gcmOpen, gcmSeal, NONCE_BYTES } from '../gcm.ts';
import { type KeyService, ROOT_BYTES, type RootName } from '../key-service.ts';

/** Roots wrapped by a key in a file: 64 hex digits and a newline. For folders, recovery and tests. */
export function createFileKeyService(path: string, randomBytes: RandomBytes): KeyService {
  const keyId = basename(path);
  // Read once for all roots: a pipe, as the shell's <(…) is one, gives its bytes only once.
  let reading: Promise<Uint8Array> | undefined;
  const readKey = () => {
    reading ??= readKeyFile(path);
    return reading;
  };
  async function wrap(root: Uint8Array, name: RootName) {
    const key = await readKey();
    const nonce = randomBytes(NONCE_BYTES);
    const sealed = gcmSeal({ key, nonce, aad: wrapAad(name) }, root);
    return { keyId, wrapped: Buffer.concat([nonce, sealed]) };
  }
  return {
    kind: 'file',
    keyId,
    wrap,
    async newRoot(name) {
      const key = randomBytes(ROOT_BYTES);
      return { key, ...(await wrap(key, name)) };
    },
    async unwrap(wrapped, name) {
      const { vaultId, epoch, purpose } = name;
      const key = await readKey();
      const input = { key, nonce: wrapped.subarray(0, NONCE_BYTES), aad: wrapAad(name) };
      try {
        return gcmOpen(input, wrapped.subarray(NONCE_BYTES));
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        const message = `key file ${path} does not open the ${purpose} root of epoch ${epoch} of vault ${vaultId}: another vault's key, or damaged`;
        throw new VaultError('KeyUnusable', message, { context: { vaultId, epoch, purpose }, cause: error });
      }
    },
  };
}

async function readKeyFile(path: string): Promise<Uint8Array> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new VaultError('KeyUnusable', `key file ${path} cannot be read; check the path and its mode`, { cause });
  });
  if (/^[0-9a-f]{64}\n?$/.test(text)) return fromHex(text.trim());
  const what = /^AGE-SECRET-KEY-/m.test(text) ? 'it is an age identity, which is named as one; a key file' : 'it';
  throw new VaultError('KeyUnusable', `key file ${path}: ${what} must hold 64 lower-case hex digits and a newline`);
}

function wrapAad({ vaultId, purpose }: RootName): Uint8Array {
  return Buffer.concat([ascii('understudy/v1/wrap\n'), uuidBytes(vaultId), ascii(purpose)]);
}
