import { createHash } from 'node:crypto';
import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { collectedVaults, collectionOf } from '../config/collection.ts';
import type { Config } from '../config/schema.ts';
import { CheckLevel } from '../contract/names.ts';
import { CONTROL_QUEUE } from '../contract/task-queues.ts';
import {
  CHECK_SCHEDULES,
  checkScheduleId,
  checkWorkflowId,
  collectScheduleId,
  drillScheduleId,
  planScheduleId,
  SWEEP_SCHEDULE_ID,
} from '../contract/workflow-ids.ts';
import { ConfigurationError } from '../errors.ts';

export interface ScheduleSync {
  readonly client: Client;
  readonly config: Config;
  /** Removes schedules of plans that are gone; without it they are paused with a note. */
  readonly prune?: boolean;
}

export interface SyncedSchedule {
  readonly scheduleId: string;
  readonly outcome: 'created' | 'unchanged' | 'updated' | 'paused' | 'removed';
  /** When it runs, or what became of it. */
  readonly found: string;
}

/** Makes Temporal's schedules what the configuration says. Repeatable; a person's pause and note stay. */
export async function syncSchedules({
  client,
  config,
  prune = false,
}: ScheduleSync): Promise<readonly SyncedSchedule[]> {
  const wanted = wantedSchedules(config);
  const synced: SyncedSchedule[] = [];
  for (const schedule of wanted) {
    synced.push(await syncOne(client, schedule).catch((error: unknown) => explain(error, schedule)));
  }
  const known = new Set(wanted.map(({ options }) => options.scheduleId));
  for await (const { scheduleId } of client.schedule.list()) {
    // Only what carries our prefix is ours to touch.
    if (!OUR_PREFIXES.some((prefix) => scheduleId.startsWith(prefix)) || known.has(scheduleId)) continue;
    synced.push(await retire(client, scheduleId, prune));
  }
  return synced;
}

const OUR_PREFIXES = [planScheduleId(''), drillScheduleId(''), collectScheduleId(''), CHECK_SCHEDULES];

interface WantedSchedule {
  /** The field of the configuration that says when it runs. */
  readonly path: string;
  readonly options: ScheduleOptions;
  readonly hash: string;
  readonly when: string;
}

function wantedSchedules(config: Config): readonly WantedSchedule[] {
  const { plans, sweep } = config;
  return [
    ...Object.entries(plans).map(([plan, { schedule }]) =>
      wantedSchedule(`plans.${plan}.schedule`, `${schedule.cron.join('; ')} ${schedule.timezone}`, {
        scheduleId: planScheduleId(plan),
        spec: {
          cronExpressions: schedule.cron,
          timezone: schedule.timezone,
          jitter: schedule.jitter,
        },
        action: action('backupPlan', `plan/${plan}`, [{ plan }], `Plan ${plan}`),
      }),
    ),
    ...Object.entries(plans).flatMap(([plan, { drill }]) => (drill ? [drillSchedule(plan, drill)] : [])),
    ...collectedVaults(config).map((vault) => {
      const { every } = collectionOf(config, vault);
      return wantedSchedule(`vaults.${vault}.collect.every`, `every ${every}`, {
        scheduleId: collectScheduleId(vault),
        spec: { intervals: [{ every }] },
        action: action('expireRecoveryPoints', `expire/${vault}`, [{ vault }], `Expiry and collection of ${vault}`),
      });
    }),
    ...Object.entries(config.vaults).flatMap(([vault, { check = {} }]) =>
      CheckLevel.options.flatMap((level) => {
        const every = check[level];
        if (every === undefined) return [];
        return wantedSchedule(`vaults.${vault}.check.${level}`, `every ${every}`, {
          scheduleId: checkScheduleId(vault, level),
          spec: { intervals: [{ every }] },
          action: action(
            'checkVault',
            checkWorkflowId({ vault, level }),
            [{ vault, level }],
            `Check of ${vault}: ${level}`,
          ),
        });
      }),
    ),
    wantedSchedule('sweep.every', `every ${sweep.every}`, {
      scheduleId: SWEEP_SCHEDULE_ID,
      spec: { intervals: [{ every: sweep.every }] },
      action: action('sweepLeftovers', 'sweep', [], 'Remove what terminated runs left behind'),
    }),
  ];
}

function drillSchedule(plan: string, { every, budget }: NonNullable<Config['plans'][string]['drill']>) {
  return wantedSchedule(`plans.${plan}.drill.every`, `every ${every}`, {
    scheduleId: drillScheduleId(plan),
    spec: { intervals: [{ every }] },
    action: action('drillRecoveryPoints', `drill/${plan}`, [{ plan, budget }], `Drill of plan ${plan}`),
  });
}

function action(
  workflowType: string,
  workflowId: string,
  args: unknown[],
  staticSummary: string,
): ScheduleOptions['action'] {
  return { type: 'startWorkflow', workflowType, taskQueue: CONTROL_QUEUE, workflowId, args, staticSummary };
}

function wantedSchedule(
  path: string,
  when: string,
  options: Pick<ScheduleOptions, 'scheduleId' | 'spec' | 'action'>,
): WantedSchedule {
  // SKIP: a run that takes longer than the interval is not joined by a second one. Ending it would skip clean-up.
  // 6 hours: after an outage the last missed run starts, not a year of them (the server's default).
  const policies = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '6h', pauseOnFailure: false } as const;
  // Cron texts come back from the server as calendars, so what was asked for is compared, not what it became.
  const hash = createHash('sha256')
    .update(JSON.stringify({ ...options, policies }))
    .digest('hex');
  return {
    path,
    hash,
    when,
    options: {
      ...options,
      action: { ...options.action, memo: { configHash: hash } },
      policies,
    },
  };
}

/** Only the server knows what it can read of a cron text. */
function explain(error: unknown, { path, when }: WantedSchedule): never {
  // What Temporal's client makes of a specification that the server refuses, without a class or a code of its own.
  if (!(error instanceof TypeError)) throw error;
  const said = `${path}: Temporal cannot read "${when}": ${error.message}`;
  throw new ConfigurationError('InvalidConfiguration', said, { cause: error });
}

async function syncOne(client: Client, { options, hash, when }: WantedSchedule): Promise<SyncedSchedule> {
  const { scheduleId } = options;
  try {
    await client.schedule.create(options);
    return { scheduleId, outcome: 'created', found: when };
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  const handle = client.schedule.getHandle(scheduleId);
  const present = await handle.describe();
  const isBack = isRetired(present.state);
  const paused = present.state.paused && !isBack ? `${when} (paused: ${present.state.note ?? 'no note'})` : when;
  if (hashOf(present) === hash && !isBack) return { scheduleId, outcome: 'unchanged', found: paused };
  await handle.update(({ state }) => ({
    spec: options.spec,
    action: options.action,
    ...(options.policies && { policies: options.policies }),
    // An update without `state` would end a person's pause; ours ends when what it was for is over.
    state: isRetired(state)
      ? { paused: false }
      : { paused: state.paused, ...(state.note !== undefined && { note: state.note }) },
  }));
  return { scheduleId, outcome: 'updated', found: paused };
}

/** By this note a pause of ours is told from a person's. */
const RETIRED = 'its plan is not in the configuration';

function isRetired({ paused, note }: ScheduleDescription['state']): boolean {
  return paused && note === RETIRED;
}

async function retire(client: Client, scheduleId: string, prune: boolean): Promise<SyncedSchedule> {
  const handle = client.schedule.getHandle(scheduleId);
  if (prune) {
    await handle.delete();
    return { scheduleId, outcome: 'removed', found: RETIRED };
  }
  const { state } = await handle.describe();
  if (state.paused) return { scheduleId, outcome: 'unchanged', found: `paused: ${state.note ?? 'no note'}` };
  await handle.pause(RETIRED);
  return { scheduleId, outcome: 'paused', found: `${RETIRED}; --prune removes it` };
}

function hashOf({ action: { memo } }: ScheduleDescription): unknown {
  return memo?.configHash;
}
