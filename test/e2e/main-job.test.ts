import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, inject, test } from 'vitest';
import { type DemoOutcome, runDemo } from '../../local/demo/run-demo.ts';
import { readTransferLog, type Transfer } from '../../local/production/transfer-log.ts';
import { type Lab, startLab } from '../../local/up/start-lab.ts';
import { connectTemporal } from '../../src/client/connect.ts';

/** What the demo promises, in the order in which it says so. */
const PROMISES = [
  'class',
  'isolation',
  'verification',
  'requests',
  'connections',
  'production',
  'writes',
  'balance',
  'leftovers',
];

let lab: Lab;
let outcome: DemoOutcome;
let transfers: readonly Transfer[];
/** Other tests' runs are in the same lab. */
let startedAt: string;

beforeAll(async () => {
  lab = await startLab({ stateDir: inject('labDir') });
  Object.assign(process.env, lab.env());
  startedAt = new Date().toISOString();
  outcome = await runDemo({
    lab,
    method: 'stop-and-snapshot',
    say: () => {},
    stderr: process.stderr,
    reportFolder: lab.status.stateDir,
    keep: false,
    signal: AbortSignal.timeout(540_000),
  });
  transfers = await readLoadLog(lab.status.stateDir);
});

test.each(PROMISES.map((name) => ({ name })))('the demo proves: $name', ({ name }) => {
  expect(outcome.facts.find((fact) => fact.name === name)).toEqual({ name, holds: true, found: expect.any(String) });
});

test('the demo has no promise that this test does not know', () => {
  expect(outcome.facts.map(({ name }) => name)).toEqual(PROMISES);
});

test('production worked at full rate up to the capture, so the comparison of writes means something', () => {
  const capturedAtMs = Date.parse(outcome.result.pointInTime);
  const acknowledged = transfers.filter(({ acknowledgedAt = 0 }) =>
    within(acknowledgedAt, capturedAtMs - 1_000, capturedAtMs),
  );
  expect(acknowledged.length).toBeGreaterThanOrEqual(20);
});

test('one backup with two volumes costs at most 400 history events in all its workflows', async () => {
  const temporal = await connectTemporal();
  const lengths: Record<string, number> = {};
  for await (const { workflowId, historyLength } of temporal.workflow.list({ query: `StartTime >= "${startedAt}"` })) {
    lengths[workflowId] = historyLength;
  }
  await temporal.connection.close();
  expect(Object.keys(lengths)).toHaveLength(5); // request, backup, two volumes, verification
  const events = Object.values(lengths).reduce((sum, length) => sum + length, 0);
  console.log(`history events of one backup: ${events}`);
  expect(events).toBeLessThanOrEqual(400);
});

test('the report is one file that loads and runs nothing, with both screens in it', async () => {
  const html = await readFile(outcome.report, 'utf8');
  expect(html).toContain(outcome.result.pointId);
  expect(html.match(/src="data:image\/jpeg;base64,/g)).toHaveLength(2);
  expect(html).not.toMatch(/<script|https?:\/\/[^"]*"\s*(rel|src)/i);
});

async function readLoadLog(stateDir: string): Promise<readonly Transfer[]> {
  // Named by their time; tests before this one left theirs in the same lab.
  const name = (await readdir(stateDir))
    .filter((file) => /^load-\d+\.jsonl$/.test(file))
    .sort()
    .at(-1);
  return readTransferLog(join(stateDir, name ?? 'the demo left no load log'));
}

function within(atMs: number, fromMs: number, toMs: number): boolean {
  return atMs >= fromMs && atMs < toMs;
}
