import type { EvidenceRef } from './fields.ts';
import type { Vault } from './vault.ts';

/**
 * Seals evidence under the data root, so the mover writes it. Repeatable: the evidence written first under a name
 * stands, and its ref is returned.
 */
export async function writeEvidence(_: {
  vault: Vault;
  runId: string;
  name: string;
  contentType: string;
  bytes: Uint8Array;
  signal: AbortSignal;
}): Promise<EvidenceRef> {
  throw new Error('not written yet');
}

export async function readEvidence(_: {
  vault: Vault;
  ref: Pick<EvidenceRef, 'runId' | 'name'>;
  signal: AbortSignal;
}): Promise<{ readonly contentType: string; readonly bytes: Uint8Array }> {
  throw new Error('not written yet');
}
