import { AsyncResource } from 'node:async_hooks';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { beating, reportProgress } from '../../../src/activities/beating.ts';
import { PlatformError } from '../../../src/errors.ts';
import type { Ec2Context } from '../../../src/platforms/ec2/context.ts';
import { repeatUntil } from '../../../src/platforms/ec2/repeat.ts';
import { activityEnvironment } from '../../support/activity.ts';

const NEVER = new AbortController().signal;
const MINUTE_MS = 60_000;
/** The shortest of src/workflows/proxies.ts. */
const HEARTBEAT_TIMEOUT_MS = 20_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'performance', 'Date'] });
  // Node's timers carry the activity's context into their callbacks, the faked ones do not.
  const faked = setInterval;
  vi.stubGlobal('setInterval', (beat: () => void, ms: number) => faked(AsyncResource.bind(beat), ms));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Waits an hour for what never comes, and resolves with the longest silence between two heartbeats. */
async function longestSilence(ask: () => Promise<undefined>): Promise<number> {
  const context = {
    clock: () => new Date(),
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    onLook: reportProgress,
  } as unknown as Ec2Context;
  const environment = activityEnvironment();
  const beats = [performance.now()];
  environment.on('heartbeat', () => void beats.push(performance.now()));
  const waiting = environment.run(() =>
    beating(() => repeatUntil(context, { limitMs: 60 * MINUTE_MS, what: 'a stuck machine to end' }, NEVER, ask)),
  );
  const ending = waiting.catch((error: unknown) => {
    beats.push(performance.now());
    return error;
  });
  await vi.advanceTimersByTimeAsync(90 * MINUTE_MS);
  expect(await ending).toMatchObject({ code: 'NotReadyYet' });
  return Math.max(...beats.map((at, n) => at - (beats[n - 1] ?? at)));
}

test('an activity that waits for EC2 lives as long as the wait allows, so that a stuck machine is reported and left', async () => {
  expect(await longestSilence(async () => undefined)).toBeLessThan(HEARTBEAT_TIMEOUT_MS);
});

test('a look without an answer is no progress: an activity that hangs is given to another attempt', async () => {
  let looks = 0;
  const silence = await longestSilence(async () => {
    if (++looks === 2) await new Promise((resolve) => setTimeout(resolve, 20 * MINUTE_MS));
    return undefined;
  });
  expect(silence).toBeGreaterThan(HEARTBEAT_TIMEOUT_MS);
});

test('what ends a wait is told as it is, and outside of activities nobody is told of looks', async () => {
  const refused = new PlatformError('AccessDenied', 'no');
  const context = { clock: () => new Date(), onLook: reportProgress } as unknown as Ec2Context;
  const waiting = repeatUntil(context, { limitMs: 1, what: 'x' }, NEVER, () => Promise.reject(refused));
  await expect(waiting).rejects.toBe(refused);
  reportProgress();
});
