import { FormatError } from '../errors.ts';
import { Attestation } from './attestation.ts';
import { readDocument, readSigned, sealDocument } from './documents.ts';
import { lockedAs } from './lock-policy.ts';
import { attestationKey, attestationsPrefix } from './object-keys.ts';
import { readPointState } from './points.ts';
import { createdFirst } from './presence.ts';
import { mustReach } from './read-tombstone.ts';
import type { Vault } from './vault.ts';

const ATTESTATION = { type: 'attestation', schema: Attestation } as const;

/**
 * Adds a verification's finding to a point. Repeatable: the first attestation of a verification run stands and is
 * returned. Needs the control root.
 */
export async function attest({
  vault,
  attestation,
  signal,
}: {
  readonly vault: Vault;
  readonly attestation: Attestation;
  readonly signal: AbortSignal;
}): Promise<Attestation> {
  await vault.refreshKeys(signal); // an older control key than the point's would not be believed
  const key = attestationKey(attestation.pointId, attestation.runId);
  const bytes = sealDocument(ATTESTATION, attestation, { vault, key });
  if (await createdFirst(vault.store.create(key, bytes, signal, lockedAs(vault, attestation.runId))))
    return attestation;
  return readDocument(ATTESTATION, { vault, key }, signal);
}

interface AttestationsRequest {
  readonly vault: Vault;
  readonly pointId: string;
  readonly signal: AbortSignal;
  /** Told of each object that is not signed by the control key or is damaged; it proves nothing and is skipped. */
  readonly onInvalid?: (key: string, reason: string) => void;
}

/** Valid attestations of a point, oldest first: they are named by run ids, which begin with their time. */
export async function* listAttestations(request: AttestationsRequest): AsyncIterable<Attestation> {
  const { vault, pointId, signal, onInvalid } = request;
  for await (const { key } of vault.store.list(attestationsPrefix(pointId), signal)) {
    try {
      yield await readAttestation(request, key);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      onInvalid?.(key, error.message);
    }
  }
}

async function readAttestation({ vault, pointId, signal }: AttestationsRequest, key: string): Promise<Attestation> {
  const { body, epoch } = await readSigned(ATTESTATION, { vault, key }, signal);
  if (key !== attestationKey(pointId, body.runId)) throw new FormatError(`${key} is of run ${body.runId}`);
  // Only after a rotation is there anything to ask: then the point must not be of a later epoch than the signer.
  if (epoch < vault.epoch) {
    const point = await readPointState(vault, pointId, signal);
    if (point?.state === 'committed') mustReach(key, { signed: epoch, point: point.manifest.epoch });
  }
  return body;
}
