import type { Manifest, ManifestDraft } from './manifest.ts';
import type { Vault } from './vault.ts';

/**
 * Makes the recovery point, by one conditional put. Before it nothing is a point, after it everything is. Repeatable: a
 * point this run committed earlier is returned. RunAbandoned when the run was fenced, ObjectMissing when a pack or
 * segment is not there.
 */
export async function commitPoint(_: { vault: Vault; draft: ManifestDraft; signal: AbortSignal }): Promise<Manifest> {
  throw new Error('not written yet');
}
