import { scaleLog, scaleUtc } from 'd3-scale';
import { line } from 'd3-shape';
import type { PhaseProgress } from '../contract/progress.ts';
import { formatLatency, formatTimeOfDay } from './figures.ts';
import { type Html, html } from './html.ts';
import { binLatency, type LatencyBin, type LoadSample, spanOf, timeSpan } from './latency.ts';

const WIDTH = 1000;
const HEIGHT = 340;
const LEFT = 58;
const RIGHT = 42;
const TOP = 48;
const BOTTOM = 28;
/** One dot is about 14 bytes of path: 6,000 keep the page below 100 KB, and more could not be told apart. */
const MOST_DOTS = 6_000;
/** Average width of a letter at 11.5 pixels: decides whether a phase's name fits its band. */
const LETTER_PX = 6.4;

export interface LatencyPlot {
  readonly samples: readonly LoadSample[];
  readonly phases: readonly PhaseProgress[];
  /** The capture's time, ISO 8601. */
  readonly captureAt?: string;
}

/** Every request as a dot, p50 and p99 over time, the phases as bands and the capture as a line; SVG without script. */
export function latencyPlot({ samples, phases, captureAt }: LatencyPlot): Html {
  const answered = samples.filter((sample) => sample.ok);
  const axes = axesOf(samples, answered);
  const bins = binLatency(samples);
  return html`<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Latency of production's requests over time, with the phases of the backup">
${bandsOf(phases, axes)}${gridOf(axes)}
<path class="dots" d="${thinned(answered).map((sample) => dotAt(sample, axes))}"/>
${quantileLine('p50', bins, axes)}
${quantileLine('p99', bins, axes)}
${failuresOf(samples, axes)}
${instantOf(captureAt, axes)}</svg>\n`;
}

interface Axes {
  readonly x: (at: number) => number;
  readonly y: (ms: number) => number;
  readonly times: readonly Date[];
  readonly latencies: readonly number[];
}

/** Logarithmic, since a stall of a second must not flatten the milliseconds that are the rule. */
function axesOf(samples: readonly LoadSample[], answered: readonly LoadSample[]): Axes {
  let fastest = Number.POSITIVE_INFINITY;
  let slowest = 0;
  for (const { ms } of answered) {
    fastest = Math.min(fastest, ms);
    slowest = Math.max(slowest, ms);
  }
  const [from, to] = timeSpan(samples);
  const time = scaleUtc([from, Math.max(to, from + 1000)], [LEFT, WIDTH - RIGHT]);
  const low = Math.max(0.01, Number.isFinite(fastest) ? fastest * 0.8 : 1);
  const latency = scaleLog([low, Math.max(slowest * 1.25, low * 2)], [HEIGHT - BOTTOM, TOP]).clamp(true);
  return { x: (at) => time(at), y: (ms) => latency(ms), times: time.ticks(7), latencies: roundLatencies(latency) };
}

/** 1, 2 and 5 of every power of ten. */
function roundLatencies(scale: { ticks(count: number): number[] }): readonly number[] {
  return scale
    .ticks(10)
    .filter((tick) => [1, 2, 5].includes(Math.round(tick / 10 ** Math.floor(Math.log10(tick) + 1e-9))));
}

function bandsOf(phases: readonly PhaseProgress[], { x }: Axes): readonly Html[] {
  const spans = phases.flatMap(({ phase }) => {
    const span = spanOf(phases, [phase]);
    return span ? [{ phase, left: clampX(x(span.from)), right: clampX(x(span.to)) }] : [];
  });
  return spans.map(({ phase, left, right }, at) => {
    const fits = right - left >= phase.length * LETTER_PX + 6;
    const label = fits
      ? html`<text x="${round((left + right) / 2)}" y="${TOP - 8}" text-anchor="middle">${phase}</text>`
      : undefined;
    const ground =
      at % 2 === 0
        ? html`<rect class="band" x="${round(left)}" y="${TOP}" width="${round(Math.max(1, right - left))}" height="${HEIGHT - TOP - BOTTOM}"/>`
        : undefined;
    return html`${ground}${label}`;
  });
}

function gridOf({ x, y, times, latencies }: Axes): readonly Html[] {
  return [
    ...latencies.map(
      (ms) =>
        html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y(ms))}" y2="${round(y(ms))}"/><text x="${LEFT - 8}" y="${round(y(ms) + 4)}" text-anchor="end">${formatTick(ms)}</text>\n`,
    ),
    ...times.map(
      (time) =>
        html`<text x="${round(x(time.getTime()))}" y="${HEIGHT - 8}" text-anchor="middle">${formatTimeOfDay(time.getTime()).slice(0, 8)}</text>\n`,
    ),
  ];
}

/** A line of length 0 with round ends is a dot, at a third of a circle's bytes. */
function dotAt({ at, ms }: LoadSample, { x, y }: Axes): string {
  return `M${round(x(at))} ${round(y(ms))}h0`;
}

/** Every so-manieth request, and always the slowest hundredth: thinning must not hide what a reader looks for. */
function thinned(samples: readonly LoadSample[]): readonly LoadSample[] {
  if (samples.length <= MOST_DOTS) return samples;
  const step = Math.ceil(samples.length / MOST_DOTS);
  const sorted = samples.map(({ ms }) => ms).sort((a, b) => a - b);
  const slow = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  return samples.filter(({ ms }, at) => at % step === 0 || ms > slow);
}

function quantileLine(name: 'p50' | 'p99', bins: readonly LatencyBin[], { x, y }: Axes): Html | undefined {
  const path = line<LatencyBin>(
    (bin) => round(x(bin.at)),
    (bin) => round(y(bin[name])),
  )([...bins]);
  const last = bins.at(-1);
  if (path === null || last === undefined) return undefined;
  return html`<path class="${name}" d="${[...pathPieces(path)]}"/><text class="${name}" x="${round(x(last.at) + 8)}" y="${round(y(last[name]) + 4)}">${name}</text>`;
}

/** `html` cuts text at 200 characters; a path is ours and goes in by pieces below that. */
function* pathPieces(path: string): Generator<string> {
  for (let at = 0; at < path.length; at += 200) yield path.slice(at, at + 200);
}

function failuresOf(samples: readonly LoadSample[], { x }: Axes): readonly Html[] {
  return samples
    .filter((sample) => !sample.ok)
    .slice(0, MOST_DOTS)
    .map(
      ({ at }) =>
        html`<path class="failed" d="M${round(x(at) - 4)} ${TOP + 4}l8 8m0 -8l-8 8"><title>failed request ${formatTimeOfDay(at)}</title></path>\n`,
    );
}

function instantOf(captureAt: string | undefined, { x }: Axes): Html | undefined {
  const at = captureAt === undefined ? Number.NaN : Date.parse(captureAt);
  if (Number.isNaN(at)) return undefined;
  const left = round(clampX(x(at)));
  const anchor = left > WIDTH / 2 ? 'end' : 'start';
  const text = round(left + (anchor === 'end' ? -6 : 6));
  return html`<line class="instant" x1="${left}" x2="${left}" y1="5" y2="${HEIGHT - BOTTOM}"/><text class="instant" x="${text}" y="14" text-anchor="${anchor}">captured ${formatTimeOfDay(at)}</text>\n`;
}

function formatTick(ms: number): string {
  return ms >= 1000 ? `${ms / 1000} s` : ms >= 1 ? `${Math.round(ms)} ms` : formatLatency(ms);
}

function clampX(x: number): number {
  return Math.min(WIDTH - RIGHT, Math.max(LEFT, x));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
