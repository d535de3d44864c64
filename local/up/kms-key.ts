import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  type KMSClient,
  NotFoundException,
} from '@aws-sdk/client-kms';
import { must } from './named.ts';

/** As people name keys in their configuration, so that everything here is tried with an alias. */
const ALIAS = 'alias/understudy';

/**
 * The key that wraps the vault's roots and encrypts restored volumes, by its alias. KMS has neither tokens nor tag filters, so
 * the alias is what tells that it is there; a key that was created just before a kill is lost, which costs nothing here.
 */
export async function ensureKmsKey(kms: KMSClient): Promise<string> {
  if (await exists(kms, ALIAS)) return ALIAS;
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: 'understudy vault of the local cloud' }));
  const TargetKeyId = must(KeyMetadata?.KeyId, 'KeyMetadata.KeyId');
  await kms.send(new CreateAliasCommand({ AliasName: ALIAS, TargetKeyId }));
  return ALIAS;
}

async function exists(kms: KMSClient, keyId: string): Promise<boolean> {
  try {
    await kms.send(new DescribeKeyCommand({ KeyId: keyId }));
    return true;
  } catch (error) {
    if (error instanceof NotFoundException) return false;
    throw error;
  }
}
