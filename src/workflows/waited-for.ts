import {
  ActivityCancellationType,
  type ActivityInterfaceFor,
  type ActivityOptions,
  patched,
  proxyActivities,
} from '@temporalio/workflow';

/** Histories that began without it went on as soon as they had asked for the end of an activity. */
const CANCELLED_ARE_WAITED_FOR = 'cancelled-activities-are-waited-for';

/**
 * As proxyActivities, but the call of a cancelled activity ends when the activity has: clean-up follows, and finds what it
 * removes by listing. That has to be said: the documentation of SDK 1.24 calls it the default, but the SDK sends no word, and
 * for its core that is TRY_CANCEL (workflow_commands.proto, which leaves the better default to each language).
 */
export function waitedFor<A>(options: ActivityOptions): ActivityInterfaceFor<A> {
  const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;
  const waiting: object = proxyActivities<A>({ ...options, cancellationType });
  const trying: object = proxyActivities<A>(options);
  const get = (_: object, name: string | symbol) =>
    Reflect.get(patched(CANCELLED_ARE_WAITED_FOR) ? waiting : trying, name);
  return new Proxy(waiting, { get }) as ActivityInterfaceFor<A>;
}
