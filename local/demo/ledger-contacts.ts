import { readFile } from 'node:fs/promises';
import type { LedgerEntry } from '../production/ledger.ts';
import { ledgerFile } from '../up/ledger-server.ts';

/** Who reached the outside world since a moment. */
export interface LedgerContacts {
  readonly production: number;
  /** By anything else: a clone has production's disks but never its instance id and boot. */
  readonly others: number;
}

export async function readLedgerContacts(
  stateDir: string,
  instanceId: string,
  sinceMs: number,
): Promise<LedgerContacts> {
  const text = await readFile(ledgerFile(stateDir), 'utf8').catch(() => '');
  const lines = text.split('\n').slice(0, -1);
  const entries = lines
    .map((line) => JSON.parse(line) as LedgerEntry)
    .filter(({ receivedAt }) => receivedAt >= sinceMs);
  const bootId = entries.find((entry) => entry.instanceId === instanceId)?.bootId;
  const own = entries.filter((entry) => entry.instanceId === instanceId && entry.bootId === bootId);
  return { production: own.length, others: entries.length - own.length };
}
