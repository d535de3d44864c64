import { DecryptCommand, GenerateDataKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { VaultError } from '../../errors.ts';
import type { KeyService, RootPurpose } from '../key-service.ts';

const ROOT_BYTES = 32;
const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 20_000;

/** Region, credentials and endpoint come from AWS's standard environment. */
export function createKmsClient(): KMSClient {
  return new KMSClient({
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  });
}

/**
 * Roots wrapped by a KMS key. The encryption context binds each wrap to its vault and purpose, so a key policy can
 * allow Decrypt by `kms:EncryptionContext:understudy:purpose` and give each role its roots only.
 */
export function createKmsKeyService(client: KMSClient, kmsKeyId: string): KeyService {
  return {
    kind: 'kms',
    keyId: kmsKeyId,
    async newRoot(purpose, vaultId, signal) {
      const EncryptionContext = contextOf(purpose, vaultId);
      const command = new GenerateDataKeyCommand({ KeyId: kmsKeyId, NumberOfBytes: ROOT_BYTES, EncryptionContext });
      const reply = await client
        .send(command, { abortSignal: signal })
        .catch((error: unknown) => Promise.reject(translate(error, `make a ${purpose} root with`, kmsKeyId)));
      return { key: rootOf(reply.Plaintext, kmsKeyId), wrapped: bytesOf(reply.CiphertextBlob, kmsKeyId) };
    },
    async unwrap(wrapped, purpose, vaultId, signal) {
      // No KeyId: a vault opened with another region's replica of the key must open too. The context decides.
      const command = new DecryptCommand({ CiphertextBlob: wrapped, EncryptionContext: contextOf(purpose, vaultId) });
      const reply = await client
        .send(command, { abortSignal: signal })
        .catch((error: unknown) =>
          Promise.reject(translate(error, `open the ${purpose} root of vault ${vaultId} with`, kmsKeyId)),
        );
      return rootOf(reply.Plaintext, kmsKeyId);
    },
  };
}

function contextOf(purpose: RootPurpose, vaultId: string): Record<string, string> {
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

const PASSING = new Set([
  'ThrottlingException',
  'LimitExceededException',
  'KMSInternalException',
  'DependencyTimeoutException',
  'KeyUnavailableException',
  'TimeoutError',
  'NetworkingError',
]);

function translate(error: unknown, tried: string, kmsKeyId: string): unknown {
  if (!(error instanceof Error) || error.name === 'AbortError') return error;
  const message = `could not ${tried} KMS key ${kmsKeyId}: ${error.name} (${error.message})`;
  const details = { context: { kmsKeyId, name: error.name }, cause: error };
  const isFault = '$fault' in error && error.$fault === 'server';
  if (PASSING.has(error.name) || isFault || ('code' in error && !('$fault' in error))) {
    return new VaultError('VaultUnreachable', message, details);
  }
  const remedy = 'check that the key exists, is enabled, and that its policy allows this role this purpose';
  return new VaultError('KeyUnusable', `${message}; ${remedy}`, details);
}
