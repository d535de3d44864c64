import { VaultError } from '../errors.ts';
import { readDocument } from './documents.ts';
import { sessionKey } from './object-keys.ts';
import { mustNotBeFenced } from './points.ts';
import { ifPresent } from './presence.ts';
import { Session } from './session.ts';
import type { Vault } from './vault.ts';

/** A run that has begun. Everything it writes is under the epoch its session names. */
export interface Run {
  readonly vault: Vault;
  readonly runId: string;
  readonly session: Session;
}

export const SESSION = { type: 'session', schema: Session } as const;

export async function openRun(vault: Vault, runId: string, signal: AbortSignal): Promise<Run> {
  const key = sessionKey(runId);
  const session = await ifPresent(readDocument(SESSION, { vault, key }, signal));
  if (session) return { vault, runId, session };
  // A fenced run's objects are collected, its session too: whoever still works on it must hear why.
  await mustNotBeFenced(vault, runId, signal);
  const message = `${key} does not exist in ${vault.store.url}: a run must begin before it writes anything else`;
  throw new VaultError('ObjectMissing', message, { context: { runId, key } });
}
