import { expect, test, vi } from 'vitest';
import type { CollectionResult } from '../../../src/contract/results.ts';
import type { JudgedPoint } from '../../../src/vault/index.ts';
import { runFake } from './fake-deps.ts';

// The vault's library loads when a command needs it; on a busy machine that takes seconds.
vi.setConfig({ testTimeout: 60_000 });

const judged: readonly JudgedPoint[] = [
  {
    pointId: '20261123T010000Z-00000002',
    machineId: 'i-0123456789abcdef0',
    capturedAt: '2026-11-23T01:00:00.000Z',
    decision: 'keep',
    reasons: [{ rule: 'newest', text: 'newest point' }],
  },
  {
    pointId: '20261122T010000Z-00000001',
    machineId: 'i-0123456789abcdef0',
    capturedAt: '2026-11-22T01:00:00.000Z',
    decision: 'expire',
    reasons: [],
  },
];

test('retention plan shows what each point is kept for, and changes nothing', async () => {
  const run = await runFake(['retention', 'plan', '--vault', 'main'], { judged });
  expect(run.exitCode).toBe(0);
  expect(run.stdout).toContain(
    'keep    20261123T010000Z-00000002  i-0123456789abcdef0  2026-11-23 01:00:00 UTC  newest point',
  );
  expect(run.stdout).toContain('no rule keeps it\n1 to keep, 1 to expire\n');
  expect(run.requests).toEqual([{ vault: 'main', access: 'read' }]);
  expect(run.closed).toBe(1);
});

test('retention apply asks for the root that signs and names what expired', async () => {
  const run = await runFake(['retention', 'apply', '--json'], { judged });
  expect(run.requests).toEqual([{ vault: undefined, access: 'write' }]);
  expect(run.stderr).toContain('expired 20261122T010000Z-00000001');
  expect(run.json.at(-1)).toEqual({ type: 'result', ok: true, keep: 1, expire: 1 });
});

test('simulate lives through a schedule without touching a vault', async () => {
  const run = await runFake([
    'retention',
    'simulate',
    '--every',
    '6h',
    '--for',
    '90d',
    '--daily',
    '7',
    '--weekly',
    '4',
  ]);
  expect(run.requests).toEqual([]);
  expect(run.stdout).toMatch(/^schedule\nuntil +made expired +kept {2}oldest\n/);
  expect(run.stdout).toMatch(/left: \d+ points/);
});

test('the help shows a default in the form that the option takes', async () => {
  const { stdout } = await runFake(['retention', 'simulate', '--help']);
  const [, shown = ''] = /--for <time> .*\(default: (.*)\)/.exec(stdout) ?? [];
  const again = await runFake(['retention', 'simulate', '--every', '1w', '--for', shown, '--weekly', '4']);
  expect(again).toMatchObject({ exitCode: 0, stderr: '' });
});

test('simulate takes the points and the rules of the vault when none are given', async () => {
  const point = { plan: null, keepUntil: null, verdict: null, held: false, machineId: 'i-1' } as const;
  const retained = ['2026-11-20', '2026-11-21', '2026-11-22'].map((day) => ({
    ...point,
    pointId: day,
    capturedAt: `${day}T01:00:00.000Z`,
  }));
  const run = await runFake(['retention', 'simulate', '--json'], { retained, rules: { last: 2, timezone: 'UTC' } });
  expect(run.json.filter((line) => 'point' in line)).toHaveLength(2);
  expect(run.json.at(-1)).toMatchObject({ ok: true, machines: 1 });
  const none = await runFake(['retention', 'simulate'], { retained });
  expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining('no rules to simulate')]);
});

test.each([
  [['retention', 'simulate', '--every', 'soon'], /such as 6h/],
  [['retention', 'simulate', '--daily', '0'], /daily/],
  [['retention', 'simulate', '--daily', '7', '--timezone', 'Mars'], /time zone/],
  [['collect', 'Main Vault'], /vault/],
  [['collect', 'main', '--plan', '--execute'], /cannot be used with/],
])('%j is wrong usage and says why', async (args, message) => {
  const run = await runFake(args);
  expect([run.exitCode, run.stderr]).toEqual([2, expect.stringMatching(message)]);
});

const collection: CollectionResult = {
  vault: 'main',
  state: 'done',
  expiry: { kept: 9, expired: 2, pointIds: [] },
  execution: { gcIds: ['a'], removed: { objects: 3, bytes: 2048 }, kept: { objects: 1, bytes: 1 } },
  plan: {
    gcId: '20261123T040000Z-00000009',
    executeAfter: '2026-11-24T04:00:00.000Z',
    fenced: 1,
    keeps: { named: { objects: 5, bytes: 5 } },
    deletes: { expired: { objects: 4, bytes: 4096 } },
    problems: ['points/x.json: \u001b[31mrotten'],
    protects: null,
  },
};

test('collect tells what expired, what went and what is planned', async () => {
  const run = await runFake(['collect', 'main'], { collection });
  expect(run.requests).toEqual([{ vault: 'main', steps: 'all', requestId: 'request-1' }]);
  expect(run.stdout).toContain('expired   2 points, 9 kept\nremoved   3 objects (2.0 KiB) of 1 plans\n');
  expect(run.stdout).toContain('  delete  expired      4 objects (4.0 KiB)\n');
  expect(run.stdout).not.toContain('\u001b');
  const json = await runFake(['collect', 'main', '--plan', '--json'], { collection });
  expect(json.requests).toMatchObject([{ steps: 'plan' }]);
  expect(json.json.at(-1)).toMatchObject({ type: 'result', ok: true, vault: 'main' });
  const busy = await runFake(['collect', 'main', '--execute'], {
    collection: { vault: 'main', state: 'already-running' },
  });
  expect(busy.stdout).toBe('main is being collected already\n');
});
