import { VaultError } from '../errors.ts';
import { encodeDocument } from './json-document.ts';
import type { RootName, RootPurpose, RootRecipient } from './key-service.ts';
import type { KeysDocument, Wrap } from './keys-document.ts';
import { listKeys, type RecipientFacts } from './list-keys.ts';
import { lockedNow } from './lock-policy.ts';
import { mustBeWritable } from './may-write.ts';
import { noteWrap, OFFLINE_PURPOSES, PURPOSES } from './new-epoch.ts';
import { furtherKeysKey } from './object-keys.ts';
import { createdFirst } from './presence.ts';
import { MAX_FURTHER_KEYS } from './read-keys.ts';
import type { Vault } from './vault.ts';

export interface AddRecipientRequest {
  /** Opened for all three roots: two are wrapped anew, the third signs. */
  readonly vault: Vault;
  readonly recipient: RootRecipient;
  /** Also hands over `control`: the recipient may then expire points and rotate keys. */
  readonly withControl?: boolean;
  readonly signal: AbortSignal;
}

export interface AddedRecipient {
  readonly id: string;
  /** One `keys/<epoch>-<n>.json` for each epoch that the recipient could not open whole before. */
  readonly objects: readonly string[];
}

/**
 * Wraps the roots of every epoch for one more recipient: without the first epoch nothing opens, without the newest no new
 * point does. Repeatable: epochs that the recipient already opens are left alone, so a second call finishes the first.
 */
export async function addRecipient(request: AddRecipientRequest): Promise<AddedRecipient> {
  const { vault, recipient, withControl = false, signal } = request;
  await mustBeWritable(vault, signal);
  const purposes = withControl ? PURPOSES : OFFLINE_PURPOSES;
  const { epochs } = await listKeys({ store: vault.store, signal });
  const objects: string[] = [];
  let id = recipient.keyId;
  for (const { epoch, recipients } of epochs) {
    const held = purposesOf(recipient, recipients);
    const wanted = purposes.filter((purpose) => !held.includes(purpose));
    if (wanted.length === 0) continue;
    const { body, noted } = await wrapEpoch(request, epoch, wanted);
    id = noted;
    // KMS notes its key by ARN whatever it was asked by: only now is it known who it is.
    const later = purposesOf({ kind: recipient.kind, keyId: noted }, recipients);
    if (wanted.every((purpose) => later.includes(purpose))) continue;
    objects.push(await createNext(vault, body, signal));
  }
  return { id, objects };
}

function purposesOf(
  { kind, keyId }: Pick<RootRecipient, 'kind' | 'keyId'>,
  recipients: readonly RecipientFacts[],
): readonly RootPurpose[] {
  return recipients.find((each) => each.kind === kind && each.id === keyId)?.purposes ?? [];
}

async function wrapEpoch(
  { vault, recipient, signal }: AddRecipientRequest,
  epoch: number,
  purposes: readonly RootPurpose[],
): Promise<{ readonly body: KeysDocument; readonly noted: string }> {
  const { vaultId, keys, clock } = vault;
  const roots: Record<RootPurpose, Wrap[]> = { data: [], meta: [], control: [] };
  let noted = recipient.keyId;
  for (const purpose of purposes) {
    const name: RootName = { vaultId, epoch, purpose };
    const wrapped = await recipient.wrap(keys.root(epoch, purpose), name, signal);
    noted = wrapped.keyId;
    roots[purpose].push(noteWrap(recipient.kind, wrapped));
  }
  const createdAt = clock.now().toISOString();
  return { noted, body: { vaultId, epoch, createdAt, controlPublicKey: keys.controlPublicHex(epoch), roots } };
}

/** Two additions at once take different numbers; neither is lost. */
async function createNext(vault: Vault, body: KeysDocument, signal: AbortSignal): Promise<string> {
  const { store, vaultId, epoch: signer } = vault;
  const by = { kind: 'signature', privateKey: vault.keys.controlPrivate(signer) } as const;
  for (let n = 2; n <= MAX_FURTHER_KEYS; n++) {
    const key = furtherKeysKey(body.epoch, n);
    const bytes = encodeDocument({ type: 'keys', epoch: signer, body }, { vaultId, key }, by);
    if (await createdFirst(store.create(key, bytes, signal, lockedNow(vault)))) return key;
  }
  const message = `epoch ${body.epoch} has ${MAX_FURTHER_KEYS} keys documents already, more are not read; remove what is invalid among keys/${body.epoch}-*.json`;
  throw new VaultError('ObjectExists', message, { context: { vaultId, epoch: body.epoch } });
}
