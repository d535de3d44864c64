import type { ControlActivities } from '../activities/control.ts';
import type { MoverActivities } from '../activities/mover.ts';
import { CONTROL_QUEUE, MOVER_QUEUE } from '../contract/task-queues.ts';
import { waitedFor } from './waited-for.ts';

// Attempts are never counted: a deploy costs one each. Errors that cannot be cured say so themselves (errors.ts).
const patient = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' } as const;

/** A person waits for the answer: after 10 minutes of trying, what was wrong last is the answer. */
export const answering = waitedFor<ControlActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '5m',
  scheduleToCloseTimeout: '10m',
  heartbeatTimeout: '30s',
  retry: patient,
});

export const control = waitedFor<ControlActivities>({
  taskQueue: CONTROL_QUEUE,
  // The slowest is a launch: 10 minutes for its image, 12 for each type of instance that does not come up. It ends by its own
  // limits, as everything does that waits for the platform.
  startToCloseTimeout: '3h',
  heartbeatTimeout: '30s',
  retry: patient,
});

/** Retries are the poll, so ten hours of waiting cost three events; the activity itself sets the next delay. */
export const polling = waitedFor<ControlActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '5m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '2s', backoffCoefficient: 1.5, maximumInterval: '1m' },
});

/** Long looks at one machine. Their own limits end them; the run's limit ends everything. */
export const watching = waitedFor<ControlActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '30d',
  heartbeatTimeout: '30s',
  retry: patient,
});

/** A vault of 100 TiB is listed in minutes and its garbage removed in an hour; nobody waits for either. */
export const collecting = waitedFor<ControlActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '1d',
  heartbeatTimeout: '30s',
  retry: patient,
});

export const mover = waitedFor<MoverActivities>({
  taskQueue: MOVER_QUEUE,
  startToCloseTimeout: '30d',
  // A killed mover is noticed after 20 s; heartbeats come every second (workers/mover.ts).
  heartbeatTimeout: '20s',
  retry: patient,
});

/** A list for searches: a day reads 8 TiB for digests, and no backup waits longer for what it can do without. */
export const indexing = waitedFor<MoverActivities>({
  taskQueue: MOVER_QUEUE,
  startToCloseTimeout: '1d',
  scheduleToCloseTimeout: '1d',
  heartbeatTimeout: '20s',
  // Counted, as nothing else is: the backup holds its instance until the list is there or given up, and what fails ten times
  // (five minutes and more) will fail all day. `understudy index` makes the list later.
  retry: { ...patient, maximumAttempts: 10 },
});

/** What forecasts rest on: nobody waits long for it. */
export const recording = waitedFor<MoverActivities>({
  taskQueue: MOVER_QUEUE,
  startToCloseTimeout: '5m',
  scheduleToCloseTimeout: '10m',
  heartbeatTimeout: '20s',
  retry: patient,
});

/** Retried until it wins: no limit on attempts or time. */
export const cleanUp = waitedFor<ControlActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '30m',
  heartbeatTimeout: '1m',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '5m' },
});
