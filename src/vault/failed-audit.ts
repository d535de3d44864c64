import { z } from 'zod';
import { FormatError, UnderstudyError, VaultError } from '../errors.ts';
import { readDocument, sealDocument } from './documents.ts';
import { Count, MachineId, RunId, Time, VolumeId } from './fields.ts';
import { auditKey, auditsPrefix } from './object-keys.ts';
import { createdFirst } from './presence.ts';
import type { Run } from './run.ts';
import type { Vault } from './vault.ts';

/**
 * `index/audits/<machineId>/<runId>.json`: changed-block listings lied to this run. The run itself leaves no point, so the
 * next one learns it here, whichever process it is; a false record only makes that one read every block.
 */
export const FailedAudit = z.strictObject({
  runId: RunId,
  machineId: MachineId,
  volumeId: VolumeId,
  /** The block that was said to be unchanged. */
  block: Count,
  /** Since which point. */
  pointId: RunId,
  foundAt: Time,
});
export type FailedAudit = z.infer<typeof FailedAudit>;

export const AUDIT = { type: 'audit', schema: FailedAudit } as const;

/** For whatever a shard ends with: a failed audit is written down before it is thrown, anything else is thrown as it is. */
export async function recordFailedAudit({ vault, runId, session }: Run, error: unknown, signal: AbortSignal) {
  if (!(error instanceof VaultError) || error.code !== 'AuditFailed') return error;
  const { machineId } = session.source;
  const key = auditKey(machineId, runId);
  const body = FailedAudit.parse({ ...error.context, runId, machineId, foundAt: vault.clock.now().toISOString() });
  const bytes = sealDocument(AUDIT, body, { vault, key, epoch: session.epoch });
  try {
    await createdFirst(vault.store.create(key, bytes, signal));
    return error;
  } catch (failure) {
    if (!(failure instanceof UnderstudyError)) throw failure;
    const message = `${error.message}. It could not be noted in the vault, so nothing makes the next run read every block: ${failure.message}`;
    return new VaultError('AuditFailed', message, { context: error.context, cause: failure });
  }
}

// A damaged newest record costs one step back; more damaged ones are somebody's doing, whom a full read does not stop.
const TRIED = 3;

/** The newest failed audit of a machine; undefined when there has been none, or none that proves itself. */
export async function findFailedAudit(
  vault: Vault,
  machineId: string,
  signal: AbortSignal,
): Promise<FailedAudit | undefined> {
  const newest: string[] = [];
  for await (const { key } of vault.store.list(auditsPrefix(machineId), signal)) {
    newest.unshift(key);
    newest.length = Math.min(newest.length, TRIED);
  }
  for (const key of newest) {
    try {
      return await readDocument(AUDIT, { vault, key }, signal);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
  return undefined;
}

/** Why hints are not to be believed now; null when they may be. A point that was made since has been read whole. */
export function whyReadAll(audit: FailedAudit | undefined, parentId: string): string | null {
  if (!audit || audit.runId < parentId) return null;
  return `run ${audit.runId} found block ${audit.block} of ${audit.volumeId} changed that was said not to be`;
}
