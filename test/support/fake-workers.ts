import { setTimeout as wait } from 'node:timers/promises';
import { activityInfo, Context } from '@temporalio/activity';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import type { ControlActivities } from '../../src/activities/control.ts';
import type { MoverActivities } from '../../src/activities/mover.ts';
import { CONTROL_QUEUE, MOVER_QUEUE } from '../../src/contract/task-queues.ts';
import { workflowBundle } from '../../src/workers/bundle.ts';
import { failureInterceptor } from '../../src/workers/failure-interceptor.ts';
import { fakeControl, fakeMover } from './fake-activities.ts';
import type { TestTemporal } from './temporal-server.ts';

export interface Fakes {
  readonly control?: Partial<ControlActivities>;
  readonly mover?: Partial<MoverActivities>;
}

export interface FakeWorkers {
  /** What activities do for one production instance, or for restores of one point; all goes well for the others. */
  use(instanceId: string, fakes: Fakes): void;
  stop(): Promise<void>;
}

type Activity = (request: never) => Promise<unknown>;

/** Real workers with the real workflows; each instance has activities of its own, so tests can run side by side. */
export async function startFakeWorkers({ connection, namespace }: TestTemporal): Promise<FakeWorkers> {
  const chosen = new Map<string, Fakes>();
  const ownerOfRun = new Map<string, string>();

  function dispatch<A extends object>(role: keyof Fakes, defaults: A): A {
    const entries = Object.entries(defaults).map(([name, whenAllIsWell]: [string, Activity]) => {
      const activity = (request: never) => {
        const instanceId = ownerOf(request, ownerOfRun);
        const fake = Object.entries(chosen.get(instanceId)?.[role] ?? {}).find(([key]) => key === name)?.[1];
        return ((fake as Activity | undefined) ?? whenAllIsWell)(request);
      };
      return [name, activity];
    });
    return Object.fromEntries(entries);
  }

  const common = {
    connection,
    namespace,
    interceptors: { activity: [() => ({ inbound: failureInterceptor })] },
    maxHeartbeatThrottleInterval: '100ms',
    // A cancelled fake ends at once; nothing is waited for.
    shutdownGraceTime: 0,
  } satisfies Partial<WorkerOptions>;
  const control = await Worker.create({
    ...common,
    taskQueue: CONTROL_QUEUE,
    workflowBundle: await workflowBundle(),
    activities: dispatch('control', fakeControl()),
  });
  const mover = await Worker.create({ ...common, taskQueue: MOVER_QUEUE, activities: dispatch('mover', fakeMover()) });
  const running = Promise.all([control.run(), mover.run()]);
  return {
    use: (instanceId, fakes) => void chosen.set(instanceId, fakes),
    async stop() {
      control.shutdown();
      mover.shutdown();
      await running;
    },
  };
}

/** The instance that the calling workflow is about: its id or its request says so, or its run did before. */
function ownerOf(request: unknown, ownerOfRun: Map<string, string>): string {
  const workflowId = activityInfo().workflowExecution?.workflowId ?? '';
  const { run } = (request ?? {}) as { run?: { runId: string; sourceId: string } };
  if (run && INSTANCE_ID.test(run.sourceId)) ownerOfRun.set(run.runId, run.sourceId);
  const runId = /\d{8}T\d{6}Z-[0-9a-f]{8}/.exec(workflowId)?.[0] ?? '';
  // A restore is of a point; its own runs come after it in the same workflow.
  if (/^restore(-table)?\//.test(workflowId)) return runId;
  const said = INSTANCE_ID.exec(workflowId) ?? INSTANCE_ID.exec(JSON.stringify(request ?? {}));
  return ownerOfRun.get(runId) ?? said?.[0] ?? '';
}

const INSTANCE_ID = /i-0[0-9a-f]{16}/;

/** The call that an activity has under way when it is cancelled: longer than a workflow needs to go on without waiting. */
const UNDER_WAY_MS = 500;

/**
 * An activity that goes on until somebody cancels it, and then ends what it has under way. `onStart` hears when it began,
 * `describe()` shows `details`.
 */
export function hangs(onStart: () => void, details?: unknown) {
  return async (): Promise<never> => {
    const context = Context.current();
    const timer = setInterval(() => context.heartbeat(details), 50);
    onStart();
    try {
      return await context.cancelled;
    } finally {
      await wait(UNDER_WAY_MS);
      clearInterval(timer);
    }
  };
}
