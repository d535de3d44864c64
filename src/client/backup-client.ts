import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { BackupRequest, VerificationRequest } from '../contract/backup-request.ts';
import type { CheckRequest } from '../contract/check-request.ts';
import type { CollectionRequest } from '../contract/collection-request.ts';
import type { DrillRequest, DrillResult } from '../contract/drill.ts';
import type { FilesRequest, RestoreRequest, TableRequest } from '../contract/restore-request.ts';
import type {
  BackupResult,
  CheckResult,
  CollectionResult,
  FilesResult,
  RestoreResult,
  TableResult,
  VerificationResult,
} from '../contract/results.ts';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { CONTROL_QUEUE } from '../contract/task-queues.ts';
import {
  checkWorkflowId,
  filesWorkflowId,
  requestWorkflowId,
  restoreWorkflowId,
  tableWorkflowId,
} from '../contract/workflow-ids.ts';
import { ConfigurationError } from '../errors.ts';
import { type ConnectOptions, connectTemporal } from './connect.ts';
import { type PlanSchedule, readPlanSchedules } from './plan-schedules.ts';
import { followRun, type Run } from './run.ts';

export interface StartOptions {
  /**
   * Calls with the same id get the same run, also after it has ended; InvalidInput if that is about something else. Default:
   * a new one.
   */
  readonly requestId?: string;
}

/** A backup that is under way. */
export interface RunningBackup {
  readonly instanceId: string;
  readonly workflowId: string;
  readonly phase: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** Starts and follows backups from any service. It needs a Temporal server; the work is done by Understudy's workers. */
export class BackupClient {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Takes address, namespace and credentials from TEMPORAL_… variables or a profile of `temporal.toml`. */
  static async connect(options: ConnectOptions = {}): Promise<BackupClient> {
    return new BackupClient(await connectTemporal(options));
  }

  /** Asks for one recovery point of one instance. */
  async start(request: BackupRequest, options: StartOptions = {}): Promise<Run<BackupResult>> {
    const workflowId = requestWorkflowId(idOf(options.requestId));
    await this.#start(
      { workflowType: 'requestBackup', workflowId, request, summary: `Backup of ${request.instanceId}` },
      options,
    );
    return followRun(this.#client, workflowId);
  }

  /** Restores a recovery point from its vault, boots it and asks its applications. */
  async verify(request: VerificationRequest, options: StartOptions = {}): Promise<Run<VerificationResult>> {
    const workflowId = `verify/${request.pointId}/${idOf(options.requestId)}`;
    await this.#start(
      { workflowType: 'verifyRecoveryPoint', workflowId, request, summary: `Verification of ${request.pointId}` },
      options,
    );
    return followRun(this.#client, workflowId);
  }

  /** Gives a recovery point back as new volumes or as a new machine, which stay until a person removes them. */
  async restore(request: RestoreRequest, options: StartOptions = {}): Promise<Run<RestoreResult>> {
    const workflowId = restoreWorkflowId(request.pointId, idOf(options.requestId));
    await this.#start(
      { workflowType: 'restoreRecoveryPoint', workflowId, request, summary: `Restore of ${request.pointId}` },
      options,
    );
    return followRun(this.#client, workflowId);
  }

  /** Takes one table out of a recovery point; its result says where the sealed parts are (`readExtract`). */
  async restoreTable(request: TableRequest, options: StartOptions = {}): Promise<Run<TableResult>> {
    const workflowId = tableWorkflowId(request.pointId, idOf(options.requestId));
    await this.#start(
      { workflowType: 'restoreTable', workflowId, request, summary: `Table ${request.table} of ${request.pointId}` },
      options,
    );
    return followRun(this.#client, workflowId);
  }

  /** Has a mover write files into a folder of its configuration; RunFailed with RecoveryIncomplete names what was damaged. */
  async restoreFiles(request: FilesRequest, options: StartOptions = {}): Promise<Run<FilesResult>> {
    const workflowId = filesWorkflowId(request.pointId, idOf(options.requestId));
    await this.#start(
      { workflowType: 'restoreFiles', workflowId, request, summary: `Files of ${request.pointId}` },
      options,
    );
    return followRun(this.#client, workflowId);
  }

  /** Proves the points that were proven longest ago; RunFailed with code DrillFailed when one of them is red. */
  async drill(
    request: DrillRequest = {},
    options: StartOptions = {},
  ): Promise<Pick<Run<DrillResult>, 'workflowId' | 'result'>> {
    const workflowId = `drill/${idOf(options.requestId)}`;
    await this.#start({ workflowType: 'drillRecoveryPoints', workflowId, request, summary: 'Drill' }, options);
    return followRun(this.#client, workflowId);
  }

  /** Expires points by the vault's retention rules and collects what no point needs. */
  async collect(
    request: CollectionRequest,
    options: StartOptions = {},
  ): Promise<Pick<Run<CollectionResult>, 'workflowId' | 'result'>> {
    const workflowId = `expire/${request.vault}/${idOf(options.requestId)}`;
    await this.#start(
      {
        workflowType: 'expireRecoveryPoints',
        workflowId,
        request,
        summary: `Expiry and collection of ${request.vault}`,
      },
      options,
    );
    return followRun(this.#client, workflowId);
  }

  /** Looks at a vault, or at some of its points, without booting anything. */
  async check(
    request: CheckRequest,
    options: StartOptions = {},
  ): Promise<Pick<Run<CheckResult>, 'workflowId' | 'result'>> {
    const { vault = 'default', level = 'structure' } = request;
    const workflowId = `${checkWorkflowId({ vault, level })}/${idOf(options.requestId)}`;
    await this.#start(
      { workflowType: 'checkVault', workflowId, request, summary: `Check of ${vault}: ${level}` },
      options,
    );
    return followRun(this.#client, workflowId);
  }

  /** A backup that was started with this requestId, here or elsewhere. */
  find(requestId: string): Run<BackupResult> {
    return followRun(this.#client, requestWorkflowId(idOf(requestId)));
  }

  /** Backups under way, from the server's index, which lags by about a second. */
  async running(): Promise<readonly RunningBackup[]> {
    const found: RunningBackup[] = [];
    const query = 'WorkflowType = "backupInstance" AND ExecutionStatus = "Running"';
    for await (const { workflowId, startTime, typedSearchAttributes } of this.#client.workflow.list({ query })) {
      found.push({
        instanceId: workflowId.split('/').at(-1) ?? workflowId,
        workflowId,
        phase: typedSearchAttributes.get(SEARCH_ATTRIBUTES.phase) ?? 'running',
        startedAt: startTime.toISOString(),
      });
    }
    return found;
  }

  /** How the schedules of these plans are doing. */
  schedules(plans: readonly string[]): Promise<readonly PlanSchedule[]> {
    return readPlanSchedules(this.#client, plans);
  }

  async close(): Promise<void> {
    await this.#client.connection.close();
  }

  async #start({ workflowType, workflowId, request, summary }: Start, { requestId }: StartOptions): Promise<void> {
    // WorkflowExecutionAlreadyStarted of a run that has ended means the same: this request was made before.
    try {
      await this.#client.workflow.start(workflowType, {
        workflowId,
        taskQueue: CONTROL_QUEUE,
        args: [request],
        staticSummary: summary,
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
      });
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError') throw error;
    }
    // An id of our own making is nobody else's.
    if (requestId !== undefined) await this.#mustBeAbout(summary, workflowId);
  }

  /** Whoever asks for one machine and is given the point of another would not notice before a restore. */
  async #mustBeAbout(summary: string, workflowId: string): Promise<void> {
    const { staticSummary } = await this.#client.workflow.getHandle(workflowId).describe();
    const found = await staticSummary();
    if (found === undefined || found === summary) return;
    const message = `this requestId was used for another request ("${found}"); take a new one for "${summary}"`;
    throw new ConfigurationError('InvalidInput', message, { context: { workflowId } });
  }
}

interface Start {
  readonly workflowType: string;
  readonly workflowId: string;
  readonly request: object;
  /** Of what the request is about: the web interface shows it, and a repeated request must have the same. */
  readonly summary: string;
}

function idOf(requestId: string = randomUUID()): string {
  if (requestId !== '') return requestId;
  throw new ConfigurationError('InvalidInput', 'requestId is empty: all who send it so would share one run');
}
