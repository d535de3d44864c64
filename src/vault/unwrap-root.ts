import { VaultError } from '../errors.ts';
import type { KeyService, RootName } from './key-service.ts';
import type { Wrap } from './keys-document.ts';

interface WrapSource {
  /** Those of `keys/<epoch>.json`. */
  readonly first: readonly Wrap[];
  /** Those of `keys/<epoch>-<n>.json`; read only when the first do not open. */
  readonly further: () => Promise<readonly Wrap[]>;
}

/** Tries the wraps that this key service may open, its own key's first; KeyUnusable names who could open it. */
export async function unwrapRoot(
  name: RootName,
  { first, further }: WrapSource,
  { service, signal }: { readonly service: KeyService; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  let refused: VaultError | undefined;
  async function tryEach(wraps: readonly Wrap[]): Promise<Uint8Array | undefined> {
    const own = wraps.filter(({ recipient }) => recipient.kind === service.kind);
    own.sort((a, b) => Number(b.recipient.id === service.keyId) - Number(a.recipient.id === service.keyId));
    for (const { wrapped } of own) {
      try {
        return await service.unwrap(Buffer.from(wrapped, 'base64'), name, signal);
      } catch (error) {
        if (!(error instanceof VaultError) || error.code !== 'KeyUnusable') throw error;
        refused = error;
      }
    }
    return undefined;
  }
  const found = await tryEach(first);
  if (found) return found;
  const later = await further();
  const foundLater = await tryEach(later);
  if (foundLater) return foundLater;
  throw noWrapOpens(name, { service, refused, wraps: [...first, ...later] });
}

interface Refusal {
  readonly service: KeyService;
  readonly refused: VaultError | undefined;
  readonly wraps: readonly Wrap[];
}

function noWrapOpens({ vaultId, epoch, purpose }: RootName, { service, refused, wraps }: Refusal): VaultError {
  const list = [...new Set(wraps.map(({ recipient }) => `${recipient.kind} ${recipient.id}`))].join(', ') || 'nobody';
  const context = { vaultId, epoch, purpose };
  if (refused) {
    const message = `${refused.message}. This root is wrapped for ${list}`;
    return new VaultError('KeyUnusable', message, { context: { ...refused.context, ...context }, cause: refused });
  }
  const message = `the ${purpose} root of epoch ${epoch} of vault ${vaultId} is wrapped for ${list}, not for a key of kind ${service.kind}; open the vault with one of those`;
  return new VaultError('KeyUnusable', message, { context });
}
