import type { Session } from './session.ts';
import type { Vault } from './vault.ts';

/**
 * Writes the run's session, which also proves that the vault takes writes. Repeatable: the session written first stands
 * and is returned. Fails with RunAbandoned when the run was fenced.
 */
export async function beginRun(_: {
  vault: Vault;
  /** `epoch` is the vault's. */
  session: Omit<Session, 'epoch'>;
  signal: AbortSignal;
}): Promise<Session> {
  throw new Error('not written yet');
}
