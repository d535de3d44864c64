import { VaultError } from '../../errors.ts';
import type { RootPurpose } from '../key-service.ts';

const PASSING = new Set([
  'ThrottlingException',
  'LimitExceededException',
  'KMSInternalException',
  'DependencyTimeoutException',
  'KeyUnavailableException',
  'TimeoutError',
  'NetworkingError',
]);

interface Attempt {
  /** Such as `open the data root of … with`. */
  readonly tried: string;
  readonly kmsKeyId: string;
  readonly purpose: RootPurpose;
}

/** Says which of the ways to lose a key it is: they have different remedies. By name, never by text. */
export function translateKmsError(error: unknown, { tried, kmsKeyId, purpose }: Attempt): unknown {
  if (!(error instanceof Error) || error.name === 'AbortError') return error;
  const message = `could not ${tried} KMS key ${kmsKeyId}: ${error.name} (${error.message})`;
  const details = { context: { kmsKeyId, purpose, name: error.name }, cause: error };
  const isFault = '$fault' in error && error.$fault === 'server';
  if (PASSING.has(error.name) || isFault || ('code' in error && !('$fault' in error))) {
    return new VaultError('VaultUnreachable', message, details);
  }
  return new VaultError('KeyUnusable', `${message}; ${remedyOf(error.name, purpose)}`, details);
}

function remedyOf(name: string, purpose: RootPurpose): string {
  switch (name) {
    case 'AccessDeniedException':
      // KMS answers alike for a key that these credentials may not use and for one that is gone from this region.
      return `allow it for the encryption context understudy:purpose = ${purpose}, in the key's policy or the role's; KMS says the same of a key that does not exist (any more) in this account and region`;
    case 'DisabledException':
      return 'the key is disabled: enable it again (kms:EnableKey), or open the vault with an age identity';
    case 'KMSInvalidStateException':
      return 'the key waits for its deletion or for its material: cancel the deletion today (kms:CancelKeyDeletion), or open the vault with an age identity';
    case 'NotFoundException':
      return 'no such key in this account and region: correct the id; a deleted key does not come back, then open the vault with an age identity';
    case 'InvalidCiphertextException':
      return 'it was wrapped for another vault or purpose, or is damaged: compare keys/ with a copy of the vault';
    case 'IncorrectKeyException':
      return 'it was wrapped by another key';
    default:
      return "check the key's state, its policy and the credentials";
  }
}
