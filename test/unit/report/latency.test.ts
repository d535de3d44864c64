import { expect, test } from 'vitest';
import type { PhaseProgress } from '../../../src/contract/progress.ts';
import { markupOf } from '../../../src/report/html.ts';
import { binLatency, type LoadSample, latencyWindows } from '../../../src/report/latency.ts';
import { latencyPlot } from '../../../src/report/latency-plot.ts';

const PHASES: readonly PhaseProgress[] = [
  { phase: 'preflight', state: 'done', startedAt: at(9), endedAt: at(10) },
  { phase: 'capture', state: 'done', startedAt: at(10), endedAt: at(11) },
  { phase: 'clone', state: 'done', startedAt: at(11), endedAt: at(20) },
  { phase: 'shutdown', state: 'done', startedAt: at(20), endedAt: at(22) },
  { phase: 'archive', state: 'running', startedAt: at(22) },
];

function at(second: number): string {
  return new Date(second * 1000).toISOString();
}

/** Ten requests a second from second 0 on. */
function steady(seconds: number, ms: (second: number) => number): LoadSample[] {
  return Array.from({ length: seconds * 10 }, (_, index) => ({ at: index * 100, ms: ms(index / 10), ok: true }));
}

test('a stall of one second shows in its own window and in no other', () => {
  const samples = steady(30, (second) => (second >= 10 && second < 11 ? 900 : 10));
  const windows = latencyWindows(samples, PHASES);
  expect(windows.map(({ name, requests, p99 }) => [name, requests, p99])).toEqual([
    ['before the capture', 100, 10],
    ['capture', 10, 900],
    ['clone running and shut down', 110, 10],
    ['whole time', 300, 900],
  ]);
});

test('a failed request is counted and does not pass for a fast one', () => {
  const samples = [...steady(5, () => 10), { at: 5_000, ms: 0.1, ok: false }];
  expect(latencyWindows(samples, PHASES).at(-1)).toMatchObject({ requests: 51, failed: 1, p50: 10, slowest: 10 });
});

test('quantiles are latencies that a request really had', () => {
  const samples = Array.from({ length: 100 }, (_, index) => ({ at: index, ms: index + 1, ok: true }));
  expect(latencyWindows(samples, []).at(0)).toMatchObject({ p50: 50, p99: 99, slowest: 100 });
});

test('a gap in the requests stays a gap: no bin is made up', () => {
  const samples = steady(100, () => 10).filter((sample) => sample.at < 30_000 || sample.at >= 60_000);
  const times = binLatency(samples).map((bin) => bin.at);
  expect(times.some((time) => time > 40_000 && time < 50_000)).toBe(false);
  expect(times.length).toBeGreaterThan(3);
});

test('the last point of a line is not beyond the requests, where its name would be cut off', () => {
  // Bins of 10 s; the last one holds a second.
  const samples = Array.from({ length: 611 }, (_, index) => ({ at: index * 100, ms: 5, ok: true }));
  expect(binLatency(samples).map((bin) => bin.at)).toEqual([5_000, 15_000, 25_000, 35_000, 45_000, 55_000, 60_500]);
});

test('200,000 requests give a plot of bounded size that still has the slowest one', () => {
  const samples = Array.from({ length: 200_000 }, (_, index) => ({ at: index * 10, ms: 5 + (index % 7), ok: true }));
  samples[123_457] = { at: 1_234_570, ms: 5_000, ok: true };
  const markup = markupOf(latencyPlot({ samples, phases: [] }));
  expect(markup.length).toBeLessThan(400_000);
  expect(markup).toContain('5 s</text>');
  expect(markup).not.toMatch(/NaN|Infinity|undefined/);
});

test.each([
  { what: 'no request', samples: [] },
  { what: 'one request', samples: [{ at: 1_000, ms: 3, ok: true }] },
  { what: 'only failed requests', samples: [{ at: 1_000, ms: 3, ok: false }] },
  {
    what: 'requests of no time at all',
    samples: [
      { at: 1_000, ms: 0, ok: true },
      { at: 1_001, ms: 0, ok: true },
    ],
  },
])('$what gives a plot without a number that is none', ({ samples }) => {
  const markup = markupOf(latencyPlot({ samples, phases: PHASES, captureAt: at(10) }));
  expect(markup).not.toMatch(/NaN|Infinity/);
  expect(markup.match(/class="failed"/g)?.length ?? 0).toBe(samples.filter(({ ok }) => !ok).length);
});
