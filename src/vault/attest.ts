import type { Attestation } from './attestation.ts';
import type { Vault } from './vault.ts';

/** Adds a verification's finding to a point. Repeatable: the first attestation of a verification run stands. Needs the control root. */
export async function attest(_: { vault: Vault; attestation: Attestation; signal: AbortSignal }): Promise<Attestation> {
  throw new Error('not written yet');
}

/** Valid attestations of a point, oldest first. Others are skipped and handed to `onInvalid`. */
export async function* listAttestations(_: {
  vault: Vault;
  pointId: string;
  signal: AbortSignal;
  onInvalid?: (key: string, reason: string) => void;
}): AsyncIterable<Attestation> {
  throw new Error('not written yet');
}

export async function latestAttestation(_: {
  vault: Vault;
  pointId: string;
  signal: AbortSignal;
}): Promise<Attestation | undefined> {
  throw new Error('not written yet');
}
