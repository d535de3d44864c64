import type { ObjectRetention } from './object-store.ts';

/**
 * What must be put so that an object is locked as asked: undefined when it is already. Never a shorter or weaker lock;
 * a governance lock that has not run out is extended as such, because a store lets nobody change it without bypass.
 */
export function extensionOf(
  held: ObjectRetention | undefined,
  wanted: ObjectRetention,
  now: Date,
): ObjectRetention | undefined {
  if (!held || held.until <= now) return wanted;
  return held.until >= wanted.until ? undefined : { mode: held.mode, until: wanted.until };
}
