import { VaultError } from '../errors.ts';
import { sameBytes } from './bytes.ts';
import type { Clock } from './clock.ts';
import { controlKeyPair } from './key-ring.ts';
import type { KeyService, RootName, RootPurpose, RootRecipient, WrappedRoot } from './key-service.ts';
import type { KeysDocument, Wrap } from './keys-document.ts';

export const PURPOSES: readonly RootPurpose[] = ['data', 'meta', 'control'];

/**
 * What an offline recipient is given: enough to read every point. Not `control`: a printed identity that is found should
 * be able to read, which it must, but not to expire points or hand the vault to new keys.
 */
export const OFFLINE_PURPOSES: readonly RootPurpose[] = ['data', 'meta'];

export interface RecipientGrant {
  readonly recipient: RootRecipient;
  readonly purposes: readonly RootPurpose[];
}

export interface NewEpochRequest {
  readonly vaultId: string;
  readonly epoch: number;
  /** Makes the roots and is their first recipient. */
  readonly service: KeyService;
  readonly recipients: readonly RecipientGrant[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface NewEpoch {
  readonly body: KeysDocument;
  readonly controlRoot: Uint8Array;
}

/** New roots, wrapped for everybody who shall open them; nothing is written. */
export async function makeEpoch({
  vaultId,
  epoch,
  service,
  recipients,
  clock,
  signal,
}: NewEpochRequest): Promise<NewEpoch> {
  const wraps: Record<RootPurpose, Wrap[]> = { data: [], meta: [], control: [] };
  const roots: Partial<Record<RootPurpose, Uint8Array>> = {};
  for (const purpose of PURPOSES) {
    const name: RootName = { vaultId, epoch, purpose };
    const made = await service.newRoot(name, signal);
    await mustOpenAgain(made.key, made.wrapped, { service, name, signal });
    roots[purpose] = made.key;
    wraps[purpose].push(noteWrap(service.kind, made));
    for (const { recipient, purposes } of recipients) {
      // The service's own key, asked for by another name than the one it is noted by.
      if (!purposes.includes(purpose) || (recipient.kind === service.kind && recipient.keyId === made.keyId)) continue;
      const wrap = noteWrap(recipient.kind, await recipient.wrap(made.key, name, signal));
      if (!wraps[purpose].some((each) => sameRecipient(each, wrap))) wraps[purpose].push(wrap);
    }
  }
  const { control: controlRoot = new Uint8Array() } = roots;
  const { publicKey: controlPublicKey } = controlKeyPair(controlRoot);
  const createdAt = clock.now().toISOString();
  return { body: { vaultId, epoch, createdAt, controlPublicKey, roots: wraps }, controlRoot };
}

export function noteWrap(kind: string, { keyId, wrapped }: WrappedRoot): Wrap {
  return { recipient: { kind, id: keyId }, wrapped: Buffer.from(wrapped).toString('base64') };
}

function sameRecipient({ recipient: a }: Wrap, { recipient: b }: Wrap): boolean {
  return a.kind === b.kind && a.id === b.id;
}

interface Opening {
  readonly service: KeyService;
  readonly name: RootName;
  readonly signal: AbortSignal;
}

/** Before anything is sealed under a root: a wrap that does not open would show when a point is to be restored. */
async function mustOpenAgain(root: Uint8Array, wrapped: Uint8Array, { service, name, signal }: Opening): Promise<void> {
  if (sameBytes(await service.unwrap(wrapped, name, signal), root)) return;
  const message = `${service.kind} key ${service.keyId} opens the new ${name.purpose} root as another one; nothing was written`;
  throw new VaultError('KeyUnusable', message, { context: { vaultId: name.vaultId, purpose: name.purpose } });
}
