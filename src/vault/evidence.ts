import { ConfigurationError } from '../errors.ts';
import { sha256Hex } from './bytes.ts';
import {
  decodeEvidence,
  EVIDENCE_FRAME,
  type EvidenceContent,
  encodeEvidence,
  MAX_EVIDENCE_BYTES,
} from './evidence-content.ts';
import { EvidenceRef } from './fields.ts';
import { NONCE_BYTES } from './gcm.ts';
import { lockedAs } from './lock-policy.ts';
import { naming } from './must-be.ts';
import { evidenceKey } from './object-keys.ts';
import { createdFirst } from './presence.ts';
import { mustKnowEpoch } from './read-segment.ts';
import { openObject, sealObject } from './sealed-object.ts';
import type { Vault } from './vault.ts';

/**
 * Seals evidence under the data root, so the mover writes it. Repeatable: the evidence written first under a name
 * stands, and its ref is returned. The run may be a backup's or a verification's; the latter has no session.
 */
export async function writeEvidence({
  vault,
  runId,
  name,
  contentType,
  bytes,
  unlocked = false,
  signal,
}: {
  readonly vault: Vault;
  readonly runId: string;
  readonly name: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
  /** Not locked: what is fetched at once and then removed. */
  readonly unlocked?: boolean;
  readonly signal: AbortSignal;
}): Promise<EvidenceRef> {
  const ref = checkedRef({ runId, name, contentType, bytes });
  const key = evidenceKey(runId, name);
  const sealed = sealObject(EVIDENCE_FRAME, encodeEvidence({ contentType, bytes }), {
    place: { vaultId: vault.vaultId, runId, name },
    seal: {
      key: vault.keys.data(vault.epoch, 'evidence'),
      keyEpoch: vault.epoch,
      nonce: vault.randomBytes(NONCE_BYTES),
    },
  });
  if (await createdFirst(vault.store.create(key, sealed, signal, unlocked ? {} : lockedAs(vault, runId)))) return ref;
  return checkedRef({ runId, name, ...(await readEvidence({ vault, ref, signal })) });
}

function checkedRef({
  runId,
  name,
  contentType,
  bytes,
}: EvidenceContent & { runId: string; name: string }): EvidenceRef {
  const ref = EvidenceRef.safeParse({ runId, name, contentType, bytes: bytes.length, sha256: sha256Hex(bytes) });
  if (ref.success && bytes.length <= MAX_EVIDENCE_BYTES && /^[\x20-\x7e]+$/.test(contentType)) return ref.data;
  const reason = ref.error?.issues[0]?.message ?? `${bytes.length} bytes of '${contentType}'`;
  throw new ConfigurationError('InvalidInput', `evidence '${name}' cannot be stored: ${reason}`);
}

export async function readEvidence({
  vault,
  ref: { runId, name },
  signal,
}: {
  readonly vault: Vault;
  readonly ref: Pick<EvidenceRef, 'runId' | 'name'>;
  readonly signal: AbortSignal;
}): Promise<EvidenceContent> {
  const key = evidenceKey(runId, name);
  const sealed = await vault.store.get(key, signal);
  return naming(key, () => {
    const place = { vaultId: vault.vaultId, runId, name };
    const keyOf = (epoch: number) => vault.keys.data(mustKnowEpoch(vault, epoch), 'evidence');
    return decodeEvidence(openObject(EVIDENCE_FRAME, sealed, { place, keyOf }));
  });
}
