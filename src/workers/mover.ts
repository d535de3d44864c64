import { type NativeConnection, Worker } from '@temporalio/worker';
import { createMoverActivities, type MoverDeps } from '../activities/mover.ts';
import { MOVER_QUEUE } from '../contract/task-queues.ts';
import { failureInterceptor } from './failure-interceptor.ts';

export interface MoverWorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly deps: MoverDeps;
}

/** Carries blocks; no workflows. More of them on more machines share the queue. */
export function createMoverWorker({ connection, namespace, deps }: MoverWorkerOptions): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    taskQueue: MOVER_QUEUE,
    activities: createMoverActivities(deps),
    interceptors: { activity: [() => ({ inbound: failureInterceptor })] },
    // Two volumes side by side keep two cores busy with sealing; the others wait in the open vault, which bounds the memory
    // of all of them together, or only look at a booting machine's screen.
    maxConcurrentActivityTaskExecutions: 12,
    // The 20 s in which a killed mover is noticed, and the bytes that people watch.
    maxHeartbeatThrottleInterval: '1s',
    // A shard cannot end in this time; it is repeated by whoever comes next and finds what is sealed.
    shutdownGraceTime: '5s',
    shutdownForceTime: '30s',
  });
}
