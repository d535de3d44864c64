import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Client } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import { reportProgress } from '../activities/beating.ts';
import { findKeptCaptures } from '../activities/kept-captures.ts';
import { createKernelReader } from '../appliance/kernel-reader.ts';
import { readTemporalSettings } from '../client/connect.ts';
import { hasSearchAttributes } from '../client/search-attributes.ts';
import { type Config, loadConfig, readDeploymentId } from '../config/index.ts';
import { createEc2Platform } from '../platforms/ec2/platform.ts';
import type { Platform } from '../platforms/platform.ts';
import { assembleBootMedia } from '../recipes/boot/media.ts';
import { assembleCommand } from '../recipes/boot/scripts.ts';
import { type FindRecipe, openRecipes } from '../recipes/registry.ts';
import { plansMustHaveAgents } from '../recipes/why-no-agent-runs.ts';
import { workflowBundle } from './bundle.ts';
import { createControlWorker } from './control.ts';
import { createMoverWorker } from './mover.ts';
import { type OpenVaults, openVaults, openVaultVersions } from './open-vaults.ts';
import { findRunning, readRunStatus } from './run-status.ts';
import { readToolVersion } from './tool-version.ts';

export type WorkerRole = 'control' | 'mover';

export interface RunWorkerOptions {
  readonly role: WorkerRole;
  /** For people; standard error of the command. */
  readonly log: (line: string) => void;
  /** Called when the worker polls its queue. */
  readonly onReady?: () => void;
  /** Ends the worker in order, as SIGTERM and SIGINT do. */
  readonly signal?: AbortSignal;
}

/** Runs one worker with everything real until it is told to end. Configuration, servers and keys come from outside. */
export async function runWorker({ role, log, onReady, signal }: RunWorkerOptions): Promise<void> {
  const { config, path } = await loadConfig();
  const findRecipe = await openRecipes(config.recipes, pathToFileURL(path));
  plansMustHaveAgents(config, findRecipe);
  quietRuntime(log);
  const { connectionOptions, namespace } = readTemporalSettings({ profile: config.temporal.profile });
  const connection = await NativeConnection.connect(connectionOptions);
  const vaults = openVaults({ config, roles: role === 'mover' ? ['data', 'meta'] : ['meta', 'control'], log });
  const collectedVaults = openVaults({ config, roles: ['meta', 'control'], as: 'collector', log });
  try {
    const setting = {
      config,
      connection,
      namespace,
      vaults,
      collectedVaults,
      findRecipe,
      platform: ec2Platform(log),
      now: Date.now,
    };
    const worker = role === 'mover' ? await mover(setting) : await control(setting);
    const shutDown = () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    };
    signal?.addEventListener('abort', shutDown, { once: true });
    log(`${role} worker: ${path}, namespace ${namespace}`);
    const running = worker.run();
    // Told while it was made: it can end in order only when it runs.
    if (signal?.aborted) shutDown();
    else onReady?.();
    await running;
  } finally {
    await vaults.close();
    await collectedVaults.close();
    await connection.close();
  }
}

interface Setting {
  readonly config: Config;
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly vaults: OpenVaults;
  readonly findRecipe: FindRecipe;
  readonly collectedVaults: OpenVaults;
  readonly platform: Platform;
  readonly now: () => number;
}

async function control(setting: Setting): Promise<Worker> {
  const { config, connection, namespace, vaults, collectedVaults, findRecipe, platform, now } = setting;
  const client = new Client({ connection, namespace });
  return createControlWorker({
    connection,
    namespace,
    bundle: await workflowBundle(),
    deps: {
      config,
      deploymentId: await readDeploymentId(),
      platform,
      vaults,
      findRecipe,
      collectedVaults,
      openVersions: (vault, profile) => openVaultVersions(config, vault, profile),
      now,
      toolVersion: await readToolVersion(),
      assembleBootMedia: (plan) => assembleBootMedia(plan, findRecipe),
      assembleCommand,
      hasSearchAttributes: () => hasSearchAttributes(connection, namespace),
      describeWorkflow: (workflowId) => findRunning(client, workflowId),
      runStatus: (workflowId, temporalRunId) => readRunStatus(client, workflowId, temporalRunId),
      findKeptCaptures: (captured, beat) => findKeptCaptures({ vaults, captured, beat }),
    },
  });
}

async function mover({ config, connection, namespace, vaults, findRecipe, platform, now }: Setting): Promise<Worker> {
  const toolVersion = await readToolVersion();
  const deps = { config, platform, vaults, findRecipe, openOthers: createKernelReader, now, toolVersion };
  return createMoverWorker({ connection, namespace, deps });
}

function ec2Platform(log: (line: string) => void): Platform {
  return createEc2Platform({
    clock: () => new Date(),
    sleep: (ms, signal) => wait(ms, undefined, { signal }),
    onLook: reportProgress,
    log: (message, fields = {}) => log([message, ...Object.entries(fields).map((pair) => pair.join('='))].join(' ')),
  });
}

/** Once per process, before any connection. Warnings and errors are for people; the rest is in Temporal's UI. */
function quietRuntime(log: (line: string) => void): void {
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const why = meta?.error instanceof Error ? `: ${meta.error.message}` : '';
      log(`${level.toLowerCase()}: ${message}${why}`);
    }),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} } },
  });
}
