import { type NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { type ControlDeps, createControlActivities } from '../activities/control.ts';
import { CONTROL_QUEUE } from '../contract/task-queues.ts';
import { failureInterceptor } from './failure-interceptor.ts';

export interface ControlWorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly bundle: WorkflowBundleOption;
  readonly deps: ControlDeps;
}

/** Workflows, and the calls that steer. */
export function createControlWorker({ connection, namespace, bundle, deps }: ControlWorkerOptions): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    taskQueue: CONTROL_QUEUE,
    workflowBundle: bundle,
    activities: createControlActivities(deps),
    interceptors: { activity: [() => ({ inbound: failureInterceptor })] },
    // Every backup holds one slot while its clone is watched; 200 of these wait on timers, not on the processor.
    maxConcurrentActivityTaskExecutions: 200,
    // People watch where a machine is; the default holds heartbeats back for up to a minute.
    maxHeartbeatThrottleInterval: '1s',
    // Long enough for a running call of the platform to answer, so that its result is not looked for again.
    shutdownGraceTime: '15s',
    shutdownForceTime: '1m',
  });
}
