import type {
  Backups,
  CliDeps,
  PlanCoverage,
  PlanSchedule,
  Points,
  RetentionDoor,
  RunningBackup,
  SetUp,
  SetUpStep,
} from '../../../src/cli/deps.ts';
import type { PointLine } from '../../../src/cli/point-line.ts';
import { runCli } from '../../../src/cli/program.ts';
import { untilAborted } from '../../../src/cli/until-aborted.ts';
import type { DrillResult } from '../../../src/contract/drill.ts';
import type { BackupProgress } from '../../../src/contract/progress.ts';
import type {
  BackupResult,
  CheckResult,
  CollectionResult,
  FilesResult,
  RestoreResult,
  TableResult,
  VerificationResult,
} from '../../../src/contract/results.ts';
import type { RetentionRules } from '../../../src/contract/retention.ts';
import type { Forecast, JudgedPoint, RetainedPoint } from '../../../src/vault/index.ts';

/** What the fake ports answer; what is not given is a port that no command of the test may open. */
export interface Script {
  readonly progress?: readonly BackupProgress[];
  readonly result?: BackupResult | Error;
  readonly verification?: VerificationResult | Error;
  readonly restore?: RestoreResult | Error;
  readonly forecast?: Forecast;
  readonly plans?: readonly PlanCoverage[];
  readonly schedules?: readonly PlanSchedule[];
  /** What Temporal answers instead. */
  readonly temporal?: Error;
  readonly drill?: DrillResult | Error;
  readonly table?: TableResult | Error;
  readonly files?: FilesResult | Error;
  /** Of what was taken out. */
  readonly parts?: readonly string[];
  /** What an agent dumped. */
  readonly dump?: Uint8Array;
  readonly running?: readonly RunningBackup[];
  readonly points?: readonly PointLine[] | Error;
  readonly judged?: readonly JudgedPoint[];
  readonly rules?: RetentionRules;
  readonly retained?: readonly (RetainedPoint & { readonly machineId: string })[];
  readonly collection?: CollectionResult;
  readonly check?: CheckResult | Error;
  readonly steps?: readonly SetUpStep[];
  /** Ctrl-C as soon as the run is looked at, or waited for, for the first time; it then never ends. */
  readonly interrupt?: boolean;
}

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly json: readonly Record<string, unknown>[];
  readonly requests: readonly unknown[];
  readonly closed: number;
}

export const NOW = new Date('2026-11-23T03:00:00.000Z');

/** One command line against fakes at the ports. */
export async function runFake(args: readonly string[], script: Script = {}): Promise<CliRun> {
  const written = { stdout: '', stderr: '' };
  const requests: unknown[] = [];
  const interrupt = new AbortController();
  let closed = 0;
  const close = async () => void closed++;
  const deps: CliDeps = {
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    now: () => NOW,
    sleep: (_ms, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        setImmediate(resolve);
      }),
    signal: interrupt.signal,
    newRequestId: () => 'request-1',
    openBackups: async () => fakeBackups(script, requests, interrupt, close),
    openPoints: async (vault) => {
      requests.push({ vault });
      return fakePoints(script, close);
    },
    openRetention: async (vault, access) => {
      requests.push({ vault, access });
      return fakeRetention(script, close);
    },
    readCoverage: async () => script.plans ?? [],
    openForecasts: async (vault) => {
      requests.push({ vault });
      return {
        restoreOf: async (pointId, kind) => ({ pointId, kind, bytes: 2e9, forecast: script.forecast ?? null }),
        close,
      };
    },
    openExtracts: async (vault) => {
      requests.push({ vault });
      return {
        async *read() {
          yield* (script.parts ?? []).map((part) => new TextEncoder().encode(part));
        },
        close,
      };
    },
    openDump: async () => {
      const { dump } = script;
      if (dump === undefined) return 'the point holds no output of agents';
      return {
        bytes: dump.length,
        async *chunks() {
          yield dump;
        },
        cost: () => ({ requests: 1, bytesFetched: dump.length }),
        close,
      };
    },
    openSetUp: async () => fakeSetUp(script, requests, close),
    runWorker: async (role) => void requests.push({ worker: role }),
  };
  const exitCode = await runCli(args, deps);
  const json = written.stdout.startsWith('{')
    ? written.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    : [];
  return { exitCode, ...written, json, requests, closed };
}

function fakeRetention({ judged = [], rules, retained = [] }: Script, close: () => Promise<void>): RetentionDoor {
  return {
    rules,
    judge: async () => judged,
    points: async () => retained,
    async expire(onExpired) {
      for (const point of judged) if (point.decision === 'expire') onExpired(point);
      return judged;
    },
    close,
  };
}

function fakeBackups(
  script: Script,
  requests: unknown[],
  interrupt: AbortController,
  close: () => Promise<void>,
): Backups {
  let waiting = 0;
  /** As Temporal's client: what is open when the connection closes fails later, in nobody's hands. */
  const untilInterrupted = async (signal: AbortSignal) => {
    waiting++;
    await untilAborted(signal);
    waiting--;
    throw signal.reason;
  };
  const run = <R>(outcome: R | Error | undefined) => {
    const steps = [...(script.progress ?? [])];
    let shownAll: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      shownAll = resolve;
    });
    return {
      workflowId: 'backup-request/request-1',
      async progress() {
        if (script.interrupt) interrupt.abort();
        const step = steps.length > 1 ? steps.shift() : steps[0];
        if (steps.length <= 1 && !script.interrupt) shownAll();
        if (step === undefined) throw new Error('no worker');
        return step;
      },
      async result(signal: AbortSignal): Promise<R> {
        if (script.interrupt) await untilInterrupted(signal);
        await ended;
        if (outcome instanceof Error) throw outcome;
        if (outcome === undefined) throw new Error('this test scripted no result');
        return outcome;
      },
    };
  };
  return {
    async startBackup(request, requestId) {
      requests.push({ request, requestId });
      return run(script.result);
    },
    async startVerification(request) {
      requests.push({ request });
      return run(script.verification);
    },
    async startRestore(request, requestId) {
      requests.push({ request, requestId });
      return run(script.restore);
    },
    async startCheck(request, requestId) {
      requests.push({ ...request, requestId });
      const { check } = script;
      if (!check) throw new Error('no check in the script');
      return {
        workflowId: 'check/main/full/request-1',
        async result(signal) {
          if (script.interrupt) {
            setImmediate(() => interrupt.abort(new Error('interrupted')));
            await untilInterrupted(signal);
          }
          if (check instanceof Error) throw check;
          return check;
        },
      };
    },
    async startTable(request, requestId) {
      requests.push({ request, requestId });
      return run(script.table);
    },
    async startFiles(request, requestId) {
      requests.push({ request, requestId });
      return run(script.files);
    },
    async startDrill(request, requestId) {
      requests.push({ request, requestId });
      return {
        workflowId: 'drill/request-1',
        async result() {
          const { drill } = script;
          if (drill instanceof Error || !drill) throw drill ?? new Error('no drill in the script');
          return drill;
        },
      };
    },
    async startCollection(request, requestId) {
      requests.push({ ...request, requestId });
      const { collection } = script;
      if (!collection) throw new Error('no collection in the script');
      return { workflowId: 'expire/main/request-1', result: async () => collection };
    },
    running: async () => {
      if (script.temporal) throw script.temporal;
      return script.running ?? [];
    },
    schedules: async () => script.schedules ?? [],
    async close() {
      if (waiting > 0) throw new Error('closed while somebody waits for a result');
      await close();
    },
  };
}

function fakePoints({ points = [] }: Script, close: () => Promise<void>): Points {
  return {
    async *list({ instanceId }) {
      if (points instanceof Error) throw points;
      for (const point of points) {
        if (instanceId === undefined || ('instanceId' in point && point.instanceId === instanceId)) yield point;
      }
    },
    close,
  };
}

function fakeSetUp({ steps = [] }: Script, requests: unknown[], close: () => Promise<void>): SetUp {
  const take = (prefix: string) => steps.filter(({ what }) => what.startsWith(prefix));
  const one = (prefix: string) => take(prefix)[0] ?? { what: prefix, outcome: 'unchanged', found: 'there' };
  return {
    ensureDeploymentId: async () => one('deployment'),
    ensureVaults: async () => take('vault'),
    ensureSearchAttributes: async () => one('search attributes'),
    async syncSchedules(options) {
      requests.push(options);
      return take('schedule');
    },
    close,
  };
}
