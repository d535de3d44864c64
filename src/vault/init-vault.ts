import { VaultError } from '../errors.ts';
import { BLOCK_BYTES } from './block-source.ts';
import { hex } from './bytes.ts';
import type { Clock, RandomBytes } from './clock.ts';
import { deriveKey } from './derive.ts';
import { readSmall } from './documents.ts';
import { decodeDocument, encodeDocument, readUnproven } from './json-document.ts';
import { controlKeyPair, controlPublicKey } from './key-ring.ts';
import type { KeyService, RootRecipient } from './key-service.ts';
import { KeysDocument } from './keys-document.ts';
import { type LockPolicy, retentionFrom } from './lock-policy.ts';
import { makeEpoch, OFFLINE_PURPOSES } from './new-epoch.ts';
import { keysKey, VAULT_KEY } from './object-keys.ts';
import type { CreateOptions, ObjectStore } from './object-store.ts';
import { SEGMENT_BLOCKS } from './parameters.ts';
import { createdFirst, ifPresent } from './presence.ts';
import { KEYS } from './read-keys.ts';
import { unwrapRoot } from './unwrap-root.ts';
import { readUnprovenVault, type VaultDocument } from './vault-document.ts';

export interface InitVaultRequest {
  readonly store: ObjectStore;
  readonly keys: KeyService;
  /** Who else may read the vault, such as an age identity on paper (`data` and `meta`, never `control`). */
  readonly recipients?: readonly RootRecipient[];
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly signal: AbortSignal;
  /** How the vault's points will be locked; LockUnsupported when the store cannot. */
  readonly lock?: LockPolicy;
}

const FIRST_EPOCH = 1;

/**
 * Makes a vault of an empty prefix. Repeatable: an existing vault is left as it is (recipients are not added to it:
 * addRecipient); a half-made one is finished, and one that lost its vault.json gets it back. ObjectMissing where points
 * lie without their keys.
 */
export async function initVault(
  request: InitVaultRequest,
): Promise<{ readonly vaultId: string; readonly created: boolean }> {
  const { store, signal } = request;
  const existing = await ifPresent(readSmall(store, VAULT_KEY, signal));
  const { retention } = bornLocked(request);
  if (existing && retention) await store.retain(VAULT_KEY, retention, signal);
  if (existing) return { vaultId: readUnprovenVault(store, existing).vaultId, created: false };
  // Keys before vault.json: the other order could leave a vault whose control key nobody has.
  const keys = await ensureFirstKeys(request);
  const created = await createdFirst(
    store.create(VAULT_KEY, await makeVaultDocument(keys, request), signal, bornLocked(request)),
  );
  return { vaultId: keys.vaultId, created };
}

/** Two inits at once agree: the loser adopts the winner's keys. */
async function ensureFirstKeys(request: InitVaultRequest): Promise<KeysDocument> {
  const { store, keys: service, recipients = [], clock, randomBytes, signal } = request;
  const key = keysKey(FIRST_EPOCH);
  const earlier = await ifPresent(readSmall(store, key, signal));
  if (earlier) return readSelfSigned(earlier);
  await mustHoldNoPoints(store, signal);
  const vaultId = newUuid(randomBytes);
  const grants = recipients.map((recipient) => ({ recipient, purposes: OFFLINE_PURPOSES }));
  const asked = { vaultId, epoch: FIRST_EPOCH, service, recipients: grants, clock, signal };
  const { body, controlRoot } = await makeEpoch(asked);
  const { privateKey } = controlKeyPair(controlRoot);
  const document = { type: 'keys', epoch: FIRST_EPOCH, body } as const;
  const bytes = encodeDocument(document, { vaultId, key }, { kind: 'signature', privateKey });
  if (await createdFirst(store.create(key, bytes, signal, bornLocked(request)))) return body;
  return readSelfSigned(await readSmall(store, key, signal));
}

/** They are of a vault whose keys were deleted, or of a copy that lacks them: new keys would open none of it. */
async function mustHoldNoPoints(store: ObjectStore, signal: AbortSignal): Promise<void> {
  const key = keysKey(FIRST_EPOCH);
  for await (const { key: point } of store.list('points/', signal)) {
    const message = `${key} is gone from ${store.url}, though ${point} is there: no new vault is made over an old one, as its keys would open none of the points; bring ${key} back, by removing its delete marker or from a copy, or name an empty prefix`;
    throw new VaultError('ObjectMissing', message, { context: { key } });
  }
}

/** So that the first backup does not find out that the store cannot lock. */
function bornLocked({ lock, clock }: InitVaultRequest): CreateOptions {
  return lock ? { retention: retentionFrom(lock, clock.now().getTime()) } : {};
}

function readSelfSigned(bytes: Uint8Array): KeysDocument {
  const key = keysKey(FIRST_EPOCH);
  const { vaultId, controlPublicKey: publicKey } = readUnproven(KeysDocument, key, bytes);
  const by = { kind: 'signature', publicKey: () => controlPublicKey(publicKey) } as const;
  return decodeDocument(KEYS, bytes, { place: { vaultId, key }, by });
}

async function makeVaultDocument(keys: KeysDocument, { keys: service, signal }: InitVaultRequest): Promise<Uint8Array> {
  const { vaultId } = keys;
  const name = { vaultId, epoch: FIRST_EPOCH, purpose: 'meta' } as const;
  // Nobody can have added recipients to a vault that is not made yet.
  const further = async () => [];
  const meta = await unwrapRoot(name, { first: keys.roots.meta, further }, { service, signal });
  const body: VaultDocument = {
    formatVersion: 1,
    vaultId,
    // The keys' time, so that a second attempt makes the same bytes.
    createdAt: keys.createdAt,
    blockBytes: BLOCK_BYTES,
    segmentBlocks: SEGMENT_BLOCKS,
    controlPublicKey: keys.controlPublicKey,
    features: { read: [], write: [], delete: [] },
  };
  const macKey = deriveKey(meta, vaultId, 'json-mac');
  const place = { vaultId, key: VAULT_KEY };
  return encodeDocument({ type: 'vault', epoch: FIRST_EPOCH, body }, place, { kind: 'mac', key: () => macKey });
}

/** RFC 9562, version 4. */
function newUuid(randomBytes: RandomBytes): string {
  const bytes = Uint8Array.from(randomBytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
