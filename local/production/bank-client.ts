import pg from 'pg';
import { seededRandom } from './seeded-random.ts';
import type { Transfer } from './transfer-log.ts';

/** Accounts 1 … 10,000 of the guest's bank (local/guest/database/bank.sql). */
const ACCOUNTS = 10_000;
/** A transfer without an answer for this long has failed: far beyond any latency, short enough to end a run. */
const ANSWER_LIMIT_MS = 30_000;

export interface BankAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** One connection that moves money, transfer after transfer, until its first failure. */
export interface BankClient {
  readonly client: number;
  /** Of the next transfer; a bank that has seen this client before goes on where it stopped. */
  readonly nextNumber: number;
  /** Never rejects: a failure is part of the transfer. */
  transfer(): Promise<Transfer>;
  /** Why this client sends no more. */
  readonly failure: string | undefined;
  close(): Promise<void>;
}

/**
 * Connects client number `client`. It neither retries nor reconnects. After a failure it sends no more: the fate of that
 * transfer may be unknown, and a further number would leave a gap that looks like a lost write.
 */
export async function connectBankClient(address: BankAddress, client: number, seed: number): Promise<BankClient> {
  const connection = new pg.Client({ ...address, application_name: `bank-${client}`, query_timeout: ANSWER_LIMIT_MS });
  let failure: string | undefined;
  // Also reports a connection that is lost between two transfers.
  connection.on('error', (error) => {
    failure ??= error.message;
  });
  await connection.connect();
  await connection.query(PREPARED);
  const random = seededRandom(seed + client);
  const found = await connection.query<{ last: string }>(
    'select coalesce(max(number), 0) as last from transfers where client = $1',
    [client],
  );
  let number = Number(found.rows[0]?.last);
  return {
    client,
    get nextNumber() {
      return number + 1;
    },
    get failure() {
      return failure;
    },
    async transfer() {
      number += 1;
      const statements = transferStatements(client, number, random);
      const sentAt = now();
      try {
        if (failure !== undefined) throw new Error(failure);
        await connection.query(statements);
        return { client, number, sentAt, acknowledgedAt: now() };
      } catch (error) {
        failure ??= error instanceof Error ? error.message : String(error);
        return { client, number, sentAt, error: failure };
      }
    },
    close: () => connection.end().catch(() => {}), // a connection that is gone already is closed
  };
}

// Parsed and planned once for a connection: 10.8 instead of 15.4 ms of an emulated machine's processor for each transfer.
const PREPARED = [
  'prepare change_balance (bigint, int) as update accounts set balance = balance + $1 where id = $2',
  `prepare note_transfer (int, bigint, int, int, bigint) as
    insert into transfers (client, number, from_account, to_account, amount) values ($1, $2, $3, $4, $5)`,
].join('; ');

/** One transaction, one round trip. The lower account comes first, so that two clients cannot wait for each other. */
function transferStatements(client: number, number: number, random: (below: number) => number): string {
  const from = 1 + random(ACCOUNTS);
  const to = 1 + ((from + random(ACCOUNTS - 1)) % ACCOUNTS);
  const amount = 1 + random(100);
  const moves = [
    { account: from, change: -amount },
    { account: to, change: amount },
  ].sort((a, b) => a.account - b.account);
  const updates = moves.map(({ account, change }) => `execute change_balance (${change}, ${account})`);
  const row = `execute note_transfer (${client}, ${number}, ${from}, ${to}, ${amount})`;
  return ['begin', ...updates, row, 'commit'].join('; ');
}

/** Epoch milliseconds with fractions, monotonic within the process. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
