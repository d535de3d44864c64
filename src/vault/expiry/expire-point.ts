import { VaultError } from '../../errors.ts';
import { sealDocument } from '../documents.ts';
import { tombstoneKey } from '../object-keys.ts';
import { createdFirst } from '../presence.ts';
import { findTombstone, TOMBSTONE } from '../read-tombstone.ts';
import type { Tombstone } from '../tombstone.ts';
import type { Vault } from '../vault.ts';

/**
 * Expires a point for good. Repeatable: the tombstone written first stands and is returned. Whether the point may expire
 * is the caller's business (judge-vault.ts). Its objects go later, by collection. Needs the control root.
 */
export async function expirePoint({
  vault,
  pointId,
  reason,
  signal,
}: {
  readonly vault: Vault;
  readonly pointId: string;
  readonly reason: string;
  readonly signal: AbortSignal;
}): Promise<Tombstone> {
  await vault.refreshKeys(signal); // an older control key than the point's would not be believed
  const key = tombstoneKey(pointId);
  const tombstone: Tombstone = { pointId, expiredAt: vault.clock.now().toISOString(), reason };
  const bytes = sealDocument(TOMBSTONE, tombstone, { vault, key });
  if (await createdFirst(vault.store.create(key, bytes, signal))) return tombstone;
  const stands = await findTombstone(vault, { pointId, signal });
  if (stands) return stands;
  const message = `${key} was not made by this vault's control key, so ${pointId} cannot expire; remove that object by hand and find out who writes to this vault`;
  throw new VaultError('ObjectExists', message, { context: { key } });
}
