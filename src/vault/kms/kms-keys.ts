import { DecryptCommand, EncryptCommand, GenerateDataKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { VaultError } from '../../errors.ts';
import { type KeyService, ROOT_BYTES, type RootName } from '../key-service.ts';
import { translateKmsError } from './kms-errors.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 20_000;

/** Region, credentials and endpoint come from AWS's standard environment. */
export function createKmsClient(): KMSClient {
  return new KMSClient({
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      socketTimeout: REQUEST_TIMEOUT_MS, // the one above ends with an answer's headers, and its body may never come
      throwOnRequestTimeout: true,
    },
  });
}

/**
 * Roots wrapped by a KMS key. The encryption context binds each wrap to its vault and purpose, so a key policy can
 * allow Decrypt by `kms:EncryptionContext:understudy:purpose` and give each role its roots only.
 */
export function createKmsKeyService(client: KMSClient, kmsKeyId: string): KeyService {
  const saying = (tried: string, { purpose, epoch, vaultId }: RootName) => ({
    tried: `${tried} the ${purpose} root of epoch ${epoch} of vault ${vaultId} with`,
    kmsKeyId,
    purpose,
  });
  return {
    kind: 'kms',
    keyId: kmsKeyId,
    async newRoot(name, signal) {
      const EncryptionContext = contextOf(name);
      const command = new GenerateDataKeyCommand({ KeyId: kmsKeyId, NumberOfBytes: ROOT_BYTES, EncryptionContext });
      const reply = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
        throw translateKmsError(error, saying('make', name));
      });
      const { CiphertextBlob, KeyId = kmsKeyId } = reply;
      return { key: rootOf(reply.Plaintext, kmsKeyId), wrapped: bytesOf(CiphertextBlob, kmsKeyId), keyId: KeyId };
    },
    async wrap(root, name, signal) {
      const EncryptionContext = contextOf(name);
      const command = new EncryptCommand({ KeyId: kmsKeyId, Plaintext: root, EncryptionContext });
      const reply = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
        throw translateKmsError(error, saying('wrap', name));
      });
      return { wrapped: bytesOf(reply.CiphertextBlob, kmsKeyId), keyId: reply.KeyId ?? kmsKeyId };
    },
    async unwrap(wrapped, name, signal) {
      // No KeyId: a vault opened with another region's replica of the key must open too. The context decides.
      const command = new DecryptCommand({ CiphertextBlob: wrapped, EncryptionContext: contextOf(name) });
      const reply = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
        throw translateKmsError(error, saying('open', name));
      });
      return rootOf(reply.Plaintext, kmsKeyId);
    },
  };
}

function contextOf({ purpose, vaultId }: RootName): Record<string, string> {
  return { 'understudy:vault': vaultId, 'understudy:purpose': purpose };
}

function rootOf(bytes: Uint8Array | undefined, kmsKeyId: string): Uint8Array {
  const root = bytesOf(bytes, kmsKeyId);
  if (root.length === ROOT_BYTES) return root;
  throw new VaultError('KeyUnusable', `KMS key ${kmsKeyId} gave a root of ${root.length} bytes, must be ${ROOT_BYTES}`);
}

function bytesOf(bytes: Uint8Array | undefined, kmsKeyId: string): Uint8Array {
  if (bytes) return bytes;
  throw new VaultError('KeyUnusable', `KMS answered without key bytes for ${kmsKeyId}`);
}
