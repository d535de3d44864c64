import { readFile, rename, writeFile } from 'node:fs/promises';
import { CreateKeyCommand, DescribeKeyCommand, type KMSClient, NotFoundException } from '@aws-sdk/client-kms';
import { must } from './named.ts';

/**
 * The key that wraps the vault's roots and encrypts restored volumes. KMS has neither tokens nor tag filters, so its id
 * is kept in a file and asked for; a key that was created just before a kill is lost, which costs nothing here.
 */
export async function ensureKmsKey(kms: KMSClient, file: string): Promise<string> {
  const known = await readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
  if (known && (await exists(kms, known))) return known;
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: 'understudy vault of the local cloud' }));
  const arn = must(KeyMetadata?.Arn, 'KeyMetadata.Arn');
  await writeFile(`${file}.new`, `${arn}\n`);
  await rename(`${file}.new`, file);
  return arn;
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
