import { setTimeout as pause } from 'node:timers/promises';
import { type BankAddress, type BankClient, connectBankClient, now } from './bank-client.ts';
import { type LoadWindow, openTransferLog, summarizeWindow, type Transfer } from './transfer-log.ts';

export interface LoadRequest extends BankAddress {
  /** Connections, each with its own numbering. */
  readonly clients?: number;
  /** Of all clients together. */
  readonly transfersPerSecond?: number;
  readonly seed?: number;
  /** Gets one JSON line per finished transfer. */
  readonly file: string;
}

export interface ClientSnapshot {
  readonly client: number;
  /** Where this load began to number; all before it belong to earlier loads on the same bank. */
  readonly firstNumber: number;
  /** The last number sent (below `firstNumber`: none yet), and when. */
  readonly sent: number;
  readonly lastSentAt: number | undefined;
  /** The last number acknowledged; all before it are acknowledged too. */
  readonly acknowledged: number;
  readonly lastAcknowledgedAt: number | undefined;
  readonly failure: string | undefined;
}

export interface LoadSnapshot {
  readonly clients: readonly ClientSnapshot[];
  /** Transfers of this load, all clients together. */
  readonly sent: number;
  readonly acknowledged: number;
  /** Requests that did not succeed; a connection lost between two requests counts as one. */
  readonly failedRequests: number;
  /** Connections opened beyond the first of each client. Nothing here reconnects, so it can only stay 0. */
  readonly reconnects: number;
}

export interface Load {
  snapshot(): LoadSnapshot;
  /** Transfers sent from `fromMs` on and before `toMs` (epoch milliseconds). */
  window(fromMs: number, toMs: number): LoadWindow;
  /** The transfers of the last hours, in the order of their completion; the file holds all. */
  transfers(): readonly Transfer[];
  /** Lets running transfers end, closes the connections, completes the file. */
  stop(): Promise<LoadSnapshot>;
}

/** 4 clients at 40/s: an emulated machine on two busy cores answers in 10 to 50 ms, so a quarter of its time is used. */
const CLIENTS = 4;
const TRANSFERS_PER_SECOND = 40;
/** 83 minutes at 40/s in memory (about 20 MB); older ones are in the file only. */
const KEPT_TRANSFERS = 200_000;
/** A client this far behind its schedule drops the backlog: catching up at full speed would be a load nobody asked for. */
const MAX_BACKLOG_MS = 1000;

interface Runner {
  readonly bank: BankClient;
  readonly firstNumber: number;
  sent: number;
  lastSentAt: number | undefined;
  acknowledged: number;
  lastAcknowledgedAt: number | undefined;
}

/** Starts steady client load on the bank; resolves when every client has its connection. */
export async function startLoad(request: LoadRequest): Promise<Load> {
  const { clients = CLIENTS, transfersPerSecond = TRANSFERS_PER_SECOND, seed = 1, file, ...address } = request;
  const runners = await connectAll(address, clients, seed);
  const log = openTransferLog(file);
  const stopping = new AbortController();
  let kept: Transfer[] = [];
  const record = (transfer: Transfer) => {
    log.write(transfer);
    kept.push(transfer);
    if (kept.length > KEPT_TRANSFERS) kept = kept.slice(KEPT_TRANSFERS / 2);
  };
  const intervalMs = (1000 * clients) / transfersPerSecond;
  const running = runners.map((runner, index) =>
    runClient({ runner, firstAt: now() + (index * intervalMs) / clients, intervalMs, record, signal: stopping.signal }),
  );
  const snapshot = () => summarize(runners);
  return {
    snapshot,
    window: (fromMs, toMs) => summarizeWindow(kept, fromMs, toMs),
    transfers: () => kept,
    async stop() {
      stopping.abort();
      await Promise.all(running);
      await Promise.all(runners.map(({ bank }) => bank.close()));
      await log.close();
      return snapshot();
    },
  };
}

async function connectAll(address: BankAddress, clients: number, seed: number): Promise<Runner[]> {
  const numbers = Array.from({ length: clients }, (_, index) => index + 1);
  const results = await Promise.allSettled(numbers.map((client) => connectBankClient(address, client, seed)));
  const banks = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const refused = results.find((result) => result.status === 'rejected');
  if (refused) {
    await Promise.all(banks.map((bank) => bank.close()));
    throw new Error(`the load's clients cannot connect to ${address.host}:${address.port}`, { cause: refused.reason });
  }
  return banks.map((bank) => {
    const before = bank.nextNumber - 1;
    const fresh = { lastSentAt: undefined, lastAcknowledgedAt: undefined };
    return { bank, firstNumber: before + 1, sent: before, acknowledged: before, ...fresh };
  });
}

interface ClientRun {
  readonly runner: Runner;
  readonly firstAt: number;
  readonly intervalMs: number;
  readonly record: (transfer: Transfer) => void;
  readonly signal: AbortSignal;
}

/** Sends on a fixed schedule, one transfer at a time, until it is stopped or something fails. */
async function runClient({ runner, firstAt, intervalMs, record, signal }: ClientRun): Promise<void> {
  let dueAt = firstAt;
  for (;;) {
    await pause(Math.max(0, dueAt - now()), undefined, { signal }).catch(() => {});
    if (signal.aborted || runner.bank.failure !== undefined) return;
    runner.sent = runner.bank.nextNumber;
    runner.lastSentAt = now();
    const transfer = await runner.bank.transfer();
    record(transfer);
    if (transfer.acknowledgedAt === undefined) return;
    runner.acknowledged = transfer.number;
    runner.lastAcknowledgedAt = transfer.acknowledgedAt;
    dueAt = Math.max(dueAt + intervalMs, now() - MAX_BACKLOG_MS);
  }
}

function summarize(runners: readonly Runner[]): LoadSnapshot {
  const clients = runners.map(({ bank, ...progress }) => ({ client: bank.client, ...progress, failure: bank.failure }));
  const total = (of: (client: ClientSnapshot) => number) => clients.reduce((sum, client) => sum + of(client), 0);
  return {
    clients,
    sent: total(({ sent, firstNumber }) => sent - firstNumber + 1),
    acknowledged: total(({ acknowledged, firstNumber }) => acknowledged - firstNumber + 1),
    failedRequests: clients.filter(({ failure }) => failure !== undefined).length,
    reconnects: 0,
  };
}
