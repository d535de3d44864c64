import { ifPresent } from '../presence.ts';
import { sideBySide } from '../side-by-side.ts';
import type { Vault } from '../vault.ts';
import type { GcPage } from './gc-documents.ts';
import { AT_A_TIME } from './survey.ts';

type PlannedObject = GcPage['objects'][number];

/**
 * With each object until when a lock keeps its bytes: removing it before only hides it (docs/vault-format.md 8). The store
 * is asked, one request each, and only where the vault's configuration locks: elsewhere the answer is known.
 */
export async function withLocks(
  vault: Vault,
  objects: readonly PlannedObject[],
  signal: AbortSignal,
): Promise<PlannedObject[]> {
  const told = [...objects];
  if (!vault.lock) return told;
  await sideBySide(objects.entries(), AT_A_TIME, async ([at, object]) => {
    const held = await ifPresent(vault.store.retentionOf(object.key, signal));
    if (held) told[at] = { ...object, lockedUntil: held.until.toISOString() };
  });
  return told;
}
