import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { CloudError } from '../cloud-error.ts';
import type { KeyRecord } from '../records.ts';

/**
 * A ciphertext blob:
 *
 *   0   1   version  1
 *   1   36  key id, ASCII
 *   37  12  nonce
 *   49  …   AES-256-GCM ciphertext and its 16-byte tag; the encryption context is the additional data
 */
const VERSION = 1;
const KEY_ID_END = 37;
const NONCE_END = 49;
const TAG_BYTES = 16;

export type EncryptionContext = Readonly<Record<string, string>>;

export function seal(key: KeyRecord, plaintext: Uint8Array, context: EncryptionContext): Buffer {
  const nonce = randomBytes(NONCE_END - KEY_ID_END);
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(key.material, 'base64'), nonce);
  cipher.setAAD(contextBytes(context));
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([Buffer.from([VERSION]), Buffer.from(key.id, 'ascii'), nonce, sealed, cipher.getAuthTag()]);
}

/** The id of the key that a blob names, or InvalidCiphertextException. Not as ASCII, which drops the eighth bit of each byte. */
export function keyIdOf(blob: Buffer): string {
  if (blob.length < NONCE_END + TAG_BYTES || blob[0] !== VERSION) throw invalidCiphertext();
  return blob.subarray(1, KEY_ID_END).toString('latin1');
}

export function unseal(key: KeyRecord, blob: Buffer, context: EncryptionContext): Buffer {
  const decipher = createDecipheriv(
    'aes-256-gcm',
    Buffer.from(key.material, 'base64'),
    blob.subarray(KEY_ID_END, NONCE_END),
  );
  decipher.setAAD(contextBytes(context));
  decipher.setAuthTag(blob.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(blob.subarray(NONCE_END, -TAG_BYTES)), decipher.final()]);
  } catch {
    throw invalidCiphertext();
  }
}

/** The same pairs in any order are the same context. */
function contextBytes(context: EncryptionContext): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))));
}

export function invalidCiphertext(): CloudError {
  return new CloudError(
    'InvalidCiphertextException',
    'The ciphertext is damaged, or its encryption context is another',
  );
}
