import { describe, expect, test } from 'vitest';
import { createWatchActivities, type WatchDeps, type WatchRequest } from '../../../src/activities/watch.ts';
import type { Observation } from '../../../src/contract/machine.ts';
import type { CommandState } from '../../../src/platforms/platform.ts';
import { activityEnvironment } from '../../support/activity.ts';
import { LIMITS, ownMachine } from '../../support/fake-activities.ts';
import { TEST_RUN } from '../../support/test-run.ts';

const RUN_ID = TEST_RUN.runId;
const REQUEST: WatchRequest = {
  run: TEST_RUN,
  machine: ownMachine('clone', 1),
  since: 0,
  limits: LIMITS,
};

function line(n: number, body: object): string {
  return `UNDERSTUDY ${RUN_ID} ${n} ${JSON.stringify(body)}\r\n`;
}

interface Scene {
  readonly state?: Observation['state'];
  readonly console?: string;
  /** Milliseconds since `since`. */
  readonly at?: number;
}

/** Watches a machine of which this is seen; each unanswered look would take 1.5 s, so scenes answer at once. */
function look(scene: Scene) {
  const calls: string[] = [];
  const deps = {
    now: () => scene.at ?? 0,
    platform: {
      readConsole: async () => ({
        observation: { state: scene.state ?? 'running' },
        bytes: scene.console === undefined ? undefined : new TextEncoder().encode(scene.console),
      }),
      stop: async () => void calls.push('stop'),
    },
  } as unknown as WatchDeps;
  const activities = createWatchActivities(deps);
  const run = (name: keyof typeof activities) => activityEnvironment().run(activities[name], { ...REQUEST, agents: 2 });
  return { run, calls };
}

describe('a machine that boots', () => {
  test.each<[string, Scene, string]>([
    [
      'printed that every detected application recovered',
      {
        console:
          line(1, { step: 'detected', recipe: 'redis', ok: true }) +
          line(2, { step: 'recovered', recipe: 'redis', ok: true }),
      },
      'recovered',
    ],
    ['has gone on to power-off', { console: line(9, { step: 'powering-off', ok: true }) }, 'recovered'],
    ['is off already', { state: 'stopped' }, 'stopped'],
    ['was terminated by somebody', { state: 'terminated' }, 'terminated'],
    ['said nothing within its limit', { at: LIMITS.firstSignMs + 1 }, 'no-sign'],
    [
      'printed only lines of another run',
      { console: 'UNDERSTUDY 20200101T000000Z-00000000 1 {"step":"powering-off"}', at: LIMITS.firstSignMs + 1 },
      'no-sign',
    ],
    [
      'lives, but does not recover within its limit',
      { console: line(1, { step: 'started', ok: true }), at: LIMITS.firstSignMs + LIMITS.recoverMs + 1 },
      'limit',
    ],
  ])('and %s: %j', async (_, scene, saw) => {
    expect(await look(scene).run('awaitRecovered')).toMatchObject({ saw });
  });
});

test('a machine past its shutdown limit is reported, not stopped, by the watch itself', async () => {
  const scene = look({ at: LIMITS.shutdownMs + 1 });
  expect(await scene.run('awaitStopped')).toMatchObject({ saw: 'limit' });
  expect(scene.calls).toEqual([]);
});

test('stopping asks the platform once and waits for the end', async () => {
  const scene = look({ state: 'stopped' });
  expect(await scene.run('stopMachine')).toMatchObject({ saw: 'stopped' });
  expect(scene.calls).toEqual(['stop']);
});

test('a watch ends at once when its run is cancelled', async () => {
  const environment = activityEnvironment();
  const deps = {
    now: () => 0,
    platform: { readConsole: async () => ({ observation: { state: 'running' } }) },
  } as unknown as WatchDeps;
  const watching = environment.run(createWatchActivities(deps).awaitStopped, REQUEST);
  environment.cancel();
  await expect(watching).rejects.toThrow(/CANCELLED/i);
});

test('what a guest writes on its console reaches heartbeats without control characters', async () => {
  const environment = activityEnvironment();
  const beats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => beats.push(details));
  const console = line(1, { step: 'powering-off\u001b[31m', ok: true });
  const deps = {
    now: () => 0,
    platform: {
      readConsole: async () => ({ observation: { state: 'stopped' }, bytes: new TextEncoder().encode(console) }),
    },
  } as unknown as WatchDeps;
  const outcome = await environment.run(createWatchActivities(deps).awaitStopped, REQUEST);
  expect(JSON.stringify([outcome, beats])).not.toContain('\\u001b');
});

describe('a machine whose script comes as a command', () => {
  const MACHINE = { ...REQUEST.machine, channel: 'run-command' } as const;
  const LIMIT_MS = 86_400_000;
  /** `sees`: what each look at the command finds. The clock leaps three minutes at a time; the second look sees it off. */
  function command(sees: readonly (CommandState | undefined)[], console = line(1, { step: 'started', ok: true })) {
    const calls: string[] = [];
    const called = (what: string) => {
      calls.push(what);
      return 'c-1';
    };
    let [looks, observed, nowMs] = [0, 0, 0];
    const deps = {
      now: () => {
        nowMs += 180_000;
        return nowMs - 180_000;
      },
      assembleCommand: async () => 'script',
      platform: {
        readConsole: async () => ({
          observation: { state: observed++ === 0 ? 'running' : 'stopped' },
          bytes: new TextEncoder().encode(console),
        }),
        ensureCommand: async () => called('send'),
        findCommand: async () => called('find'),
        readCommand: async () => sees[Math.min(looks++, sees.length - 1)],
      },
    } as unknown as WatchDeps;
    const limits = { ...LIMITS, firstSignMs: LIMIT_MS, shutdownMs: LIMIT_MS };
    const watch = (name: 'awaitRecovered' | 'awaitStopped') =>
      activityEnvironment().run(createWatchActivities(deps)[name], { ...REQUEST, machine: MACHINE, limits });
    return { watch, calls };
  }

  test('is sent it by the watch, and has given no sign of life when that never started', async () => {
    const { watch, calls } = command([{ phase: 'never-started', word: 'DeliveryTimedOut' }]);
    expect(await watch('awaitRecovered')).toMatchObject({ saw: 'no-sign' });
    expect(calls).toEqual(['send']);
  });

  test('is not waited for when its script has failed without powering it off', async () => {
    const { watch, calls } = command([{ phase: 'ended', word: 'Failed' }]);
    expect(await watch('awaitStopped')).toMatchObject({ saw: 'limit' });
    expect(calls).toEqual(['find']);
  });

  test('is waited for as any other when its script ended well, or said that it powers it off', async () => {
    const scenes = [
      command([{ phase: 'ended', word: 'Success' }]),
      command([{ phase: 'ended', word: 'Failed' }], line(9, { step: 'powering-off', ok: false })),
    ];
    const outcomes = await Promise.all(scenes.map(({ watch }) => watch('awaitStopped')));
    expect(outcomes).toEqual([
      expect.objectContaining({ saw: 'stopped' }),
      expect.objectContaining({ saw: 'stopped' }),
    ]);
  });
});

describe('a machine whose agents run', () => {
  const working = line(3, { step: 'working', recipe: 'redis', text: 'agent', bytes: 12_300_000 });
  const limitMs = 60_000 + 2 * (3 * LIMITS.agentMs + 180_000);
  test.each<[string, Scene, string]>([
    ['has harvested', { console: working + line(4, { step: 'harvested', ok: true }) }, 'agents-ended'],
    ['has harvested, though one failed', { console: line(4, { step: 'harvested', ok: false }) }, 'agents-ended'],
    ['dies with one of them', { state: 'stopped', console: working }, 'stopped'],
    ['works past all their limits', { console: working, at: limitMs + 1 }, 'limit'],
  ])('%s: %s', async (_what, scene, saw) => {
    expect(await look(scene).run('awaitAgents')).toMatchObject({ saw });
  });

  test('has each of them told by what became of it', async () => {
    const [first, second] = [
      line(4, { step: 'wrote', recipe: 'redis', ok: true }),
      line(5, { step: 'wrote', recipe: 'pg', ok: false }),
    ];
    const outcome = await look({ console: first + second + line(6, { step: 'powering-off', ok: false }) }).run(
      'awaitAgents',
    );
    expect(outcome).toMatchObject({ saw: 'agents-ended', says: 'redis wrote, pg failed' });
  });

  test('is past its recovery, and its words tell how much was written', async () => {
    const outcome = await look({ console: working }).run('awaitRecovered');
    expect(outcome).toMatchObject({ saw: 'recovered', says: 'working redis 12.3 MB written' });
  });
});
