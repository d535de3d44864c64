import { randomBytes } from 'node:crypto';
import { BackupClient, type Run, RunFailed } from '../../src/client/index.ts';
import type { BackupRequest } from '../../src/contract/backup-request.ts';
import type { BackupResult, Leftover } from '../../src/contract/results.ts';
import type { RemovalRequest } from '../../src/platforms/platform.ts';
import { type Fakes, type FakeWorkers, startFakeWorkers } from './fake-workers.ts';
import { startTestTemporal, type TestTemporal } from './temporal-server.ts';

/** Backups with real workflows on a real Temporal server; what their activities do is each test's choice. */
export interface BackupRuns {
  readonly temporal: TestTemporal;
  readonly backups: BackupClient;
  readonly workers: FakeWorkers;
  /** A backup of a new instance, for which activities do what `fakes` say. */
  begin(fakes: Fakes, request?: Partial<BackupRequest>): Promise<Run<BackupResult>>;
  resultOf(fakes: Fakes, request?: Partial<BackupRequest>): Promise<BackupResult>;
  failureOf(fakes: Fakes, request?: Partial<BackupRequest>): Promise<RunFailed>;
  stop(): Promise<void>;
}

export async function startBackupRuns(options: { readonly searchAttributes?: boolean } = {}): Promise<BackupRuns> {
  const temporal = await startTestTemporal(options);
  const workers = await startFakeWorkers(temporal);
  const backups = new BackupClient(temporal.client);
  const begin: BackupRuns['begin'] = (fakes, request) => {
    const instanceId = newInstanceId();
    workers.use(instanceId, fakes);
    return backups.start({ instanceId, ...request });
  };
  const resultOf: BackupRuns['resultOf'] = async (fakes, request) => (await begin(fakes, request)).result();
  return {
    temporal,
    backups,
    workers,
    begin,
    resultOf,
    async failureOf(fakes, request) {
      const error = await resultOf(fakes, request).catch((thrown: unknown) => thrown);
      if (error instanceof RunFailed) return error;
      throw new Error(`ended with ${JSON.stringify(error)}`, { cause: error });
    },
    async stop() {
      await workers.stop();
      await temporal.stop();
    },
  };
}

export function newInstanceId(): string {
  return `i-0${randomBytes(8).toString('hex')}`;
}

/** Clean-up that finds nothing to leave behind. */
export function note(removals: RemovalRequest[], request: RemovalRequest): Leftover[] {
  removals.push(request);
  return [];
}
