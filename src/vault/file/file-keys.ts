import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { FormatError, VaultError } from '../../errors.ts';
import { ascii, fromHex, uuidBytes } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import { gcmOpen, gcmSeal, NONCE_BYTES } from '../gcm.ts';
import type { KeyService, RootPurpose } from '../key-service.ts';

const ROOT_BYTES = 32;

/** Roots wrapped by a key in a file: 64 hex digits and a newline. For folders, recovery and tests. */
export function createFileKeyService(path: string, randomBytes: RandomBytes): KeyService {
  return {
    kind: 'file',
    keyId: basename(path),
    async newRoot(purpose, vaultId) {
      const wrappingKey = await readKeyFile(path);
      const key = randomBytes(ROOT_BYTES);
      const nonce = randomBytes(NONCE_BYTES);
      const sealed = gcmSeal({ key: wrappingKey, nonce, aad: wrapAad(purpose, vaultId) }, key);
      return { key, wrapped: Buffer.concat([nonce, sealed]) };
    },
    async unwrap(wrapped, purpose, vaultId) {
      const key = await readKeyFile(path);
      const input = { key, nonce: wrapped.subarray(0, NONCE_BYTES), aad: wrapAad(purpose, vaultId) };
      try {
        return gcmOpen(input, wrapped.subarray(NONCE_BYTES));
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        const message = `key file ${path} does not open the ${purpose} root of vault ${vaultId}: another vault's key, or damaged`;
        throw new VaultError('KeyUnusable', message, { context: { vaultId, purpose }, cause: error });
      }
    },
  };
}

async function readKeyFile(path: string): Promise<Uint8Array> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new VaultError('KeyUnusable', `key file ${path} cannot be read; check the path and its mode`, { cause });
  });
  if (!/^[0-9a-f]{64}\n?$/.test(text)) {
    throw new VaultError('KeyUnusable', `key file ${path} must hold 64 lower-case hex digits and a newline`);
  }
  return fromHex(text.trim());
}

function wrapAad(purpose: RootPurpose, vaultId: string): Uint8Array {
  return Buffer.concat([ascii('understudy/v1/wrap\n'), uuidBytes(vaultId), ascii(purpose)]);
}
