import { VaultError } from '../errors.ts';
import type { KeyService, RootPurpose } from './key-service.ts';
import type { KeysDocument } from './keys-document.ts';

/** Tries the wraps that this key service may open, its own key's first; KeyUnusable names what was found. */
export async function unwrapRoot(
  { vaultId, epoch, roots }: KeysDocument,
  purpose: RootPurpose,
  { service, signal }: { service: KeyService; signal: AbortSignal },
): Promise<Uint8Array> {
  const own = roots[purpose].filter(({ recipient }) => recipient.kind === service.kind);
  own.sort((a, b) => Number(b.recipient.id === service.keyId) - Number(a.recipient.id === service.keyId));
  let refused: unknown;
  for (const { wrapped } of own) {
    try {
      return await service.unwrap(Buffer.from(wrapped, 'base64'), purpose, vaultId, signal);
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== 'KeyUnusable') throw error;
      refused = error;
    }
  }
  if (refused !== undefined) throw refused;
  const found = roots[purpose].map(({ recipient }) => `${recipient.kind} ${recipient.id}`).join(', ') || 'nobody';
  const message = `the ${purpose} root of epoch ${epoch} of vault ${vaultId} is wrapped for ${found}, not for a ${service.kind} key; open the vault with one of those`;
  throw new VaultError('KeyUnusable', message, { context: { vaultId, epoch, purpose } });
}
