import type { PhaseProgress } from '../contract/progress.ts';

/** One request of production's clients. */
export interface LoadSample {
  /** Milliseconds since 1970, when it was sent. */
  readonly at: number;
  readonly ms: number;
  readonly ok: boolean;
}

export interface LatencyBin {
  /** Middle of the bin. */
  readonly at: number;
  readonly p50: number;
  readonly p99: number;
}

export interface LatencyWindow {
  readonly name: string;
  readonly requests: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly slowest: number;
}

/** Lines of more than 120 points say no more on 900 pixels; of fewer than 12 they hide when something happened. */
const MOST_BINS = 120;
const FEWEST_BINS = 12;
/** The p99 of fewer than 100 requests is just the slowest of them. */
const REQUESTS_PER_BIN = 100;
const BIN_STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].map((seconds) => seconds * 1000);

/** Quantiles over time in bins of a round width; a bin without an answered request is left out, not drawn as 0. */
export function binLatency(samples: readonly LoadSample[]): readonly LatencyBin[] {
  const answered = samples.filter((sample) => sample.ok);
  const [from, to] = timeSpan(answered);
  const widthMs = binWidth(to - from, answered.length);
  const bins = Map.groupBy(answered, (sample) => Math.floor((sample.at - from) / widthMs));
  return [...bins]
    .sort(([a], [b]) => a - b)
    .map(([bin, held]) => {
      const sorted = sortedLatencies(held);
      const start = from + bin * widthMs;
      // The last bin ends with the requests: its middle is not beyond them, where a plot ends.
      return {
        at: (start + Math.min(start + widthMs, to)) / 2,
        p50: quantile(sorted, 0.5),
        p99: quantile(sorted, 0.99),
      };
    });
}

function binWidth(spanMs: number, requests: number): number {
  const enough = (REQUESTS_PER_BIN / Math.max(1, requests)) * spanMs;
  const wanted = Math.max(spanMs / MOST_BINS, Math.min(enough, spanMs / FEWEST_BINS));
  return BIN_STEPS_MS.find((step) => step >= wanted) ?? wanted;
}

/** The spans a reader asks about, in order; a span without requests is left out. */
export function latencyWindows(
  samples: readonly LoadSample[],
  phases: readonly PhaseProgress[],
): readonly LatencyWindow[] {
  const capture = spanOf(phases, ['capture']);
  const spans: readonly (readonly [string, Span | undefined])[] = [
    ['before the capture', capture && { from: Number.NEGATIVE_INFINITY, to: capture.from }],
    ['capture', capture],
    ['clone running and shut down', spanOf(phases, ['clone', 'shutdown'])],
    ['archive and commit', spanOf(phases, ['archive', 'commit'])],
    ['verification machine running', spanOf(phases, ['verify'])],
    ['whole time', { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }],
  ];
  return spans.flatMap(([name, span]) => {
    const inside = span ? samples.filter((sample) => sample.at >= span.from && sample.at < span.to) : [];
    return inside.length === 0 ? [] : [describeWindow(name, inside)];
  });
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** From the first start to the last end of these phases; undefined when one has not ended. */
export function spanOf(phases: readonly PhaseProgress[], names: readonly PhaseProgress['phase'][]): Span | undefined {
  const times = phases
    .filter(({ phase }) => names.includes(phase))
    .flatMap(({ startedAt, endedAt }) => [startedAt, endedAt])
    .filter((time) => time !== undefined)
    .map((time) => Date.parse(time));
  if (times.length < 2 || times.some(Number.isNaN)) return undefined;
  return { from: Math.min(...times), to: Math.max(...times) };
}

/** First and last time; `[0, 0]` of nothing. A loop, because a spread of a million samples overflows the stack. */
export function timeSpan(samples: readonly LoadSample[]): readonly [number, number] {
  let from = samples[0]?.at ?? 0;
  let to = from;
  for (const { at } of samples) {
    from = Math.min(from, at);
    to = Math.max(to, at);
  }
  return [from, to];
}

function describeWindow(name: string, samples: readonly LoadSample[]): LatencyWindow {
  const answered = samples.filter((sample) => sample.ok);
  const sorted = sortedLatencies(answered);
  return {
    name,
    requests: samples.length,
    failed: samples.length - answered.length,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    slowest: sorted.at(-1) ?? 0,
  };
}

function sortedLatencies(samples: readonly LoadSample[]): readonly number[] {
  return samples.map((sample) => sample.ms).sort((a, b) => a - b);
}

/** Nearest rank: always a latency that a request really had. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
