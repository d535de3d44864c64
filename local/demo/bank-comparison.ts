import type { ClientComparison } from '../../src/report/report-data.ts';
import type { LoadSnapshot } from '../production/load.ts';
import type { Transfer } from '../production/transfer-log.ts';

/** What the restored bank holds of one client. */
export interface RestoredClient {
  readonly client: number;
  readonly count: number;
  readonly last: number;
}

export interface RestoredBank {
  readonly accounts: number;
  readonly balance: string;
  readonly clients: readonly RestoredClient[];
}

export interface CaptureWindow {
  /** The capture's StartTime: everything acknowledged by then must be there. */
  readonly startedAtMs: number;
  /** When the capture's reply was given: nothing sent later can be there. */
  readonly repliedAtMs: number;
}

/** Undefined when an answer is missing or is not what the questions give. */
export function readRestoredBank(facts: Readonly<Record<string, unknown>>): RestoredBank | undefined {
  const { accounts, balance, transfers } = facts;
  if (accounts === undefined || balance === undefined || typeof transfers !== 'string') return undefined;
  const clients = transfers.split(',').map((text) => {
    const [client, count, last] = text.split(':').map(Number);
    return { client, count, last };
  });
  const whole = clients.filter((one): one is RestoredClient => Object.values(one).every(Number.isSafeInteger));
  if (whole.length !== clients.length) return undefined;
  return { accounts: Number(accounts), balance: String(balance), clients: whole };
}

/** Per client: what had to be there, what could be there, and what is. */
export function compareClients(
  { clients }: LoadSnapshot,
  transfers: readonly Transfer[],
  { startedAtMs, repliedAtMs }: CaptureWindow,
  restored: RestoredBank,
): readonly ClientComparison[] {
  return clients.map(({ client, firstNumber }) => {
    const own = transfers.filter((transfer) => transfer.client === client);
    const acknowledged = own.filter(({ acknowledgedAt }) => (acknowledgedAt ?? Infinity) <= startedAtMs);
    const sent = own.filter(({ sentAt }) => sentAt <= repliedAtMs);
    const found = restored.clients.find((one) => one.client === client);
    const before = firstNumber - 1;
    return {
      client: String(client),
      acknowledged: highest(acknowledged, before),
      sent: highest(sent, before),
      found: found?.last ?? 0,
      gaps: (found?.last ?? 0) - (found?.count ?? 0),
    };
  });
}

/** Whether a client's writes are there as they must be: a prefix without gaps, neither too short nor too long. */
export function isWhole({ acknowledged, sent, found, gaps }: ClientComparison): boolean {
  return gaps === 0 && acknowledged <= found && found <= sent;
}

function highest(transfers: readonly Transfer[], otherwise: number): number {
  return transfers.reduce((top, { number }) => Math.max(top, number), otherwise);
}
