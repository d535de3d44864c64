import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { progressSink } from '../../src/cli/progress-sinks.ts';
import { watchRun } from '../../src/cli/watch-run.ts';
import { BackupClient } from '../../src/client/backup-client.ts';
import type { Run } from '../../src/client/run.ts';
import type { Method } from '../../src/contract/names.ts';
import type { BackupResult } from '../../src/contract/results.ts';
import { type Load, startLoad } from '../production/load.ts';
import type { ServerProcess } from '../servers/server-process.ts';
import { createLabClients } from '../up/aws-clients.ts';
import { type CloudCall, readCalls, readMachine } from '../up/cloud-control.ts';
import type { Lab } from '../up/start-lab.ts';
import { findTaggedResources } from '../up/tagged-resources.ts';
import { compareClients, readRestoredBank } from './bank-comparison.ts';
import { type DemoEvidence, type DemoFact, judgeDemo } from './facts.ts';
import { type GiveBackRequest, giveBack, type HadBack } from './give-back.ts';
import { readLedgerContacts } from './ledger-contacts.ts';
import { readProductionRecord } from './production-calls.ts';
import { readSealedEvidence } from './read-evidence.ts';
import { writeReport } from './write-report.ts';

/** Latencies before the backup are the measure of all later ones. */
const BASELINE_MS = 10_000;
/** Clean-up takes seconds; what hangs longer is left to the next run's sweeper. */
const CANCEL_LIMIT_MS = 90_000;
/** "At capture" is the second before and the two after the capture's time. */
const CAPTURE_WINDOW_MS = { before: 1_000, after: 2_000 };

export interface DemoRequest {
  readonly lab: Lab;
  readonly say: (name: string, text: string) => void;
  readonly stderr: NodeJS.WriteStream;
  readonly reportFolder: string;
  readonly method: Method;
  /** What is tried with the point that was made: a search, a file, a table, and its machine at once. */
  readonly afterwards: 'give-back' | 'nothing';
  /** Workers run on afterwards. */
  readonly keep: boolean;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface DemoOutcome {
  readonly facts: readonly DemoFact[];
  readonly latencies: string;
  readonly report: string;
  readonly result: BackupResult;
}

/** The whole job under client load; throws when the backup itself fails. The lab's variables must be in `process.env`. */
export async function runDemo(request: DemoRequest): Promise<DemoOutcome> {
  const { lab, say } = request;
  const { control, production, stateDir } = lab.status;
  const [bank] = production.applications;
  const balance = await readBalance(bank.port);
  const before = await readMachine(control, production.instanceId);
  const since = (await readCalls(control)).at(-1)?.seq ?? 0;
  const startedAtMs = Date.now();
  const load = await startLoad({ ...bank, file: join(stateDir, `load-${startedAtMs}.jsonl`) });
  const workers: ServerProcess[] = [];
  try {
    // Workers of an earlier `--keep` serve this run too, and go on afterwards.
    const missing = (['control', 'mover'] as const).filter((role) => !lab.findWorker(role));
    const start = async (role: 'control' | 'mover') =>
      void workers.push(await lab.startWorker(role, { detached: request.keep }));
    const settled = Promise.all(missing.map(start));
    await Promise.all([settled, wait(BASELINE_MS, undefined, { signal: request.signal })]);
    sayLoad(say, request.lab, load, startedAtMs);
    const backup = await runBackup(request);
    const calls = await readCalls(control, since);
    await load.stop();
    const after = await readMachine(control, production.instanceId);
    const sameMachine = before.pid !== null && before.pid === after.pid && after.state === 'running';
    const hadBack = await haveBack(request, { pointId: backup.result.pointId, balance });
    const evidence = await gather({ request, ...backup, load, calls, sameMachine, balance, startedAtMs, hadBack });
    const { demo, machines } = evidence;
    const report = await writeReport({
      folder: request.reportFolder,
      status: lab.status,
      method: request.method,
      result: backup.result,
      evidence: demo,
      givenBack: hadBack.map(({ line }) => line),
      machines,
      transfers: load.transfers(),
      calls,
    });
    return {
      facts: judgeDemo(demo),
      latencies: describeLatencies(load, backup, startedAtMs),
      report,
      result: backup.result,
    };
  } finally {
    await load.stop().catch(() => undefined); // stopped already on the way that matters
    if (!request.keep) await Promise.all(workers.map((worker) => worker.stop()));
  }
}

/** With the clients gone: nobody should take their latencies for a backup's. */
async function haveBack(
  { lab, afterwards, say }: DemoRequest,
  point: Pick<GiveBackRequest, 'pointId' | 'balance'>,
): Promise<readonly HadBack[]> {
  const all: HadBack[] = [];
  if (afterwards === 'nothing') return all;
  for await (const had of giveBack({ lab, ...point })) {
    all.push(had);
    say('given back', `${had.line.command}   ${had.line.seconds.toFixed(1)} s`);
  }
  return all;
}

interface FinishedBackup {
  readonly result: BackupResult;
  readonly requestedAtMs: number;
  readonly endedAtMs: number;
}

async function runBackup({ lab, method, say, stderr, signal }: DemoRequest): Promise<FinishedBackup> {
  const requestedAtMs = Date.now();
  const client = await BackupClient.connect();
  try {
    const run = await client.start({ instanceId: lab.status.production.instanceId, method });
    const { ui, namespace } = lab.status.temporal;
    const link = ui
      ? `   follow it: ${ui}/namespaces/${namespace}/workflows/${encodeURIComponent(run.workflowId)}`
      : '';
    say('backup', `${run.workflowId}${link}`);
    const sink = await progressSink({ stderr, ...CLOCK });
    const watched = await watchRun(run, { ...CLOCK, signal }, sink);
    if (watched.ended === 'stopped-watching') await endRun(run, stderr);
    if (watched.ended !== 'result') throw watched.ended === 'failure' ? watched.error : signal.reason;
    return { result: watched.result, requestedAtMs, endedAtMs: Date.now() };
  } finally {
    await client.close();
  }
}

const CLOCK = {
  now: () => new Date(),
  sleep: (ms: number, over: AbortSignal) => wait(ms, undefined, { signal: over }),
};

/** Cancelled runs clean up first; without waiting for it the next demo would find this run still going. */
async function endRun(run: Run<BackupResult>, stderr: NodeJS.WriteStream): Promise<void> {
  stderr.write('interrupted: cancelling the backup, which removes what it made\n');
  await run.cancel();
  const ended = run.result().catch(() => undefined); // that it was cancelled is what was asked for
  await Promise.race([ended, wait(CANCEL_LIMIT_MS, undefined, { ref: false })]);
}

interface GatherRequest extends FinishedBackup {
  readonly request: DemoRequest;
  readonly load: Load;
  readonly calls: readonly CloudCall[];
  readonly sameMachine: boolean;
  readonly balance: string;
  readonly startedAtMs: number;
  readonly hadBack: readonly HadBack[];
}

async function gather(order: GatherRequest) {
  const { request, result, load, calls, sameMachine, balance, startedAtMs, hadBack } = order;
  const { lab, signal } = request;
  const { production, stateDir, aws } = lab.status;
  const record = readProductionRecord(calls, production);
  const { bankFacts, machines } = await readSealedEvidence(lab.status, result, signal);
  const bank = readRestoredBank(bankFacts);
  const repliedAtMs = Date.parse(record.captures[0]?.at ?? result.pointInTime);
  const window = { startedAtMs: Date.parse(result.pointInTime), repliedAtMs };
  const snapshot = load.snapshot();
  const clients = createLabClients(aws.endpoints, lab.plan);
  try {
    const runIds = [result.runId, ...(result.verification ? [result.verification.runId] : [])];
    const demo: DemoEvidence = {
      result,
      load: snapshot,
      production: record,
      sameMachine,
      ledger: await readLedgerContacts(stateDir, production.instanceId, startedAtMs),
      resources: await findTaggedResources(clients, { key: 'understudy:run', values: runIds }),
      bank,
      clients: bank ? compareClients(snapshot, load.transfers(), window, bank) : [],
      balance,
      hadBack: hadBack.map(({ fact }) => fact),
    };
    return { demo, machines };
  } finally {
    clients.destroy();
  }
}

async function readBalance(port: number): Promise<string> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'app', database: 'bank' });
  await client.connect();
  try {
    const { rows } = await client.query<{ balance: string }>('select sum(balance) as balance from accounts');
    return String(rows[0]?.balance);
  } finally {
    await client.end();
  }
}

function sayLoad(say: DemoRequest['say'], { status }: Lab, load: Load, startedAtMs: number): void {
  const { clients, acknowledged } = load.snapshot();
  const rate = acknowledged / ((Date.now() - startedAtMs) / 1000);
  say(
    'production',
    `${status.production.instanceId} under load: ${clients.length} clients, ${rate.toFixed(0)} transfers/s`,
  );
}

function describeLatencies(
  load: Load,
  { result, requestedAtMs, endedAtMs }: FinishedBackup,
  startedAtMs: number,
): string {
  const at = Date.parse(result.pointInTime);
  const windows = [
    { name: 'before', from: startedAtMs, to: requestedAtMs },
    { name: 'at capture', from: at - CAPTURE_WINDOW_MS.before, to: at + CAPTURE_WINDOW_MS.after },
    { name: 'while the clone ran', from: at + CAPTURE_WINDOW_MS.after, to: endedAtMs },
  ];
  return windows
    .map(({ name, from, to }) => {
      const { p50, p99 } = load.window(from, to);
      return `${name} ${p50?.toFixed(1) ?? '-'}/${p99?.toFixed(1) ?? '-'} ms`;
    })
    .join(', ');
}
