import { VaultError } from '../errors.ts';
import { readDocument, sealDocument } from './documents.ts';
import { proveLock } from './lock-point.ts';
import { mustBeWritable } from './may-write.ts';
import { sessionKey } from './object-keys.ts';
import { mustNotBeFenced } from './points.ts';
import { createdFirst } from './presence.ts';
import { SESSION } from './run.ts';
import type { Session } from './session.ts';
import type { Vault } from './vault.ts';

/**
 * Writes the run's session, which also proves that the vault takes writes, and locks if it must. Repeatable: the session
 * written first stands and is returned. Fails with RunAbandoned when the run was fenced, KeysNotSigned when the newest keys are forged.
 */
export async function beginRun({
  vault,
  session,
  signal,
}: {
  readonly vault: Vault;
  /** `epoch` is the vault's. */
  readonly session: Omit<Session, 'epoch'>;
  readonly signal: AbortSignal;
}): Promise<Session> {
  await mustBeWritable(vault, signal);
  const key = sessionKey(session.runId);
  // Before anything is written: a store that cannot lock is found now, not after hours of reading.
  await proveLock(vault, session.runId, signal);
  const wanted: Session = { ...session, epoch: vault.epoch };
  const bytes = sealDocument(SESSION, wanted, { vault, key });
  const first = await createdFirst(vault.store.create(key, bytes, signal));
  const stands = first ? wanted : await readDocument(SESSION, { vault, key }, signal);
  if (!sameVolumes(stands, wanted)) {
    const message = `${key} was begun for other volumes; a run id must not be used twice`;
    throw new VaultError('ObjectExists', message, { context: { key } });
  }
  await mustNotBeFenced(vault, session.runId, signal);
  return stands;
}

function sameVolumes(a: Session, b: Session): boolean {
  const list = ({ volumes }: Session) =>
    JSON.stringify(volumes.map(({ volumeId, volumeBytes }) => [volumeId, volumeBytes]).sort());
  return list(a) === list(b);
}
