import { VaultError } from '../errors.ts';
import { encodeDocument } from './json-document.ts';
import type { KeyService, RootRecipient } from './key-service.ts';
import { listKeys, type RecipientFacts } from './list-keys.ts';
import { lockedNow } from './lock-policy.ts';
import { mustBeWritable } from './may-write.ts';
import { makeEpoch, type RecipientGrant } from './new-epoch.ts';
import { keysKey } from './object-keys.ts';
import { createdFirst } from './presence.ts';
import type { Vault } from './vault.ts';

export interface RotateKeysRequest {
  /** Opened for `meta` and `control`: the control key of the newest epoch signs the next. */
  readonly vault: Vault;
  /** Makes the new roots and wraps them first. */
  readonly service: KeyService;
  /** Finds the recipient of a name noted in the vault; undefined when it cannot wrap for it. */
  readonly openRecipient: (kind: string, id: string) => RootRecipient | undefined | Promise<RootRecipient | undefined>;
  /** Ids of recipients that shall not open the new epoch. They keep what they have. */
  readonly without?: readonly string[];
  readonly signal: AbortSignal;
}

export interface Rotation {
  readonly epoch: number;
  /** False when another rotation was faster: its epoch stands and this one wrote nothing. */
  readonly created: boolean;
  readonly recipients: readonly { readonly kind: string; readonly id: string }[];
}

/**
 * Gives the vault new roots, by one conditional put: before it nothing has changed, after it every run that begins
 * writes under them. Runs under way stay with their epoch; old points stay readable by whoever could read them.
 */
export async function rotateKeys(request: RotateKeysRequest): Promise<Rotation> {
  const { vault, service, signal } = request;
  const { store, vaultId, clock } = vault;
  await mustBeWritable(vault, signal);
  const signer = vault.epoch;
  const epoch = signer + 1;
  const privateKey = vault.keys.controlPrivate(signer);
  const recipients = await carriedOver(request, signer);
  const { body } = await makeEpoch({ vaultId, epoch, service, recipients, clock, signal });
  const key = keysKey(epoch);
  const document = { type: 'keys', epoch: signer, body } as const;
  const bytes = encodeDocument(document, { vaultId, key }, { kind: 'signature', privateKey });
  const created = await createdFirst(store.create(key, bytes, signal, lockedNow(vault)));
  await mustBeWritable(vault, signal);
  if (vault.epoch < epoch) {
    const message = `${key} could neither be created nor read in ${store.url}; look at it again`;
    throw new VaultError('VaultUnreachable', message, { context: { key } });
  }
  return { epoch, created, recipients: created ? body.roots.meta.map(({ recipient }) => recipient) : [] };
}

/** Whoever may open the newest epoch may open the next, unless left out by name: nobody is locked out in passing. */
async function carriedOver(request: RotateKeysRequest, epoch: number): Promise<readonly RecipientGrant[]> {
  const { vault, service, openRecipient, without = [], signal } = request;
  const { epochs } = await listKeys({ store: vault.store, signal });
  const earlier = epochs.find((each) => each.epoch === epoch)?.recipients ?? [];
  mustBeAmong(without, earlier);
  const grants: RecipientGrant[] = [];
  for (const { kind, id, purposes } of earlier) {
    if (without.includes(id) || (kind === service.kind && id === service.keyId)) continue;
    const recipient = await openRecipient(kind, id);
    if (!recipient) throw cannotWrapFor(kind, id);
    grants.push({ recipient, purposes });
  }
  return grants;
}

function mustBeAmong(without: readonly string[], recipients: readonly RecipientFacts[]): void {
  const unknown = without.find((id) => !recipients.some((each) => each.id === id));
  if (unknown === undefined) return;
  const known = recipients.map(({ id }) => id).join(', ');
  throw new VaultError('KeyUnusable', `'${unknown}' is no recipient of the newest keys; there are: ${known}`);
}

function cannotWrapFor(kind: string, id: string): VaultError {
  const message = `the newest keys are also wrapped for ${kind} ${id}, for which nothing can be wrapped here; leave it out by name (--without '${id}') and add it afterwards where its key is`;
  return new VaultError('KeyUnusable', message);
}
