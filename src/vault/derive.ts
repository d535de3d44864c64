import { createHmac, hkdfSync } from 'node:crypto';
import { uuidBytes } from './bytes.ts';

/** docs/vault-format.md 3.2. The names are frozen: changing one loses every vault. */
export type DataKeyName = 'block' | 'block-id' | 'evidence';
export type MetaKeyName = 'trailer' | 'segment' | 'map' | 'change-set' | 'json-mac' | 'index' | 'index-page-id';

export function deriveKey(root: Uint8Array, vaultId: string, name: DataKeyName | MetaKeyName): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', root, uuidBytes(vaultId), `understudy/v1/${name}`, 32));
}

export function hmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(message).digest();
}
