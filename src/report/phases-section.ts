import type { PhaseProgress } from '../contract/progress.ts';
import { formatDuration } from './figures.ts';
import { type Html, html } from './html.ts';
import { type Span, spanOf } from './latency.ts';
import { chip } from './parts.ts';

/** Bars of less than this share of the whole could not be seen. */
const THINNEST_PERCENT = 0.6;

/** The run as bars over its time. Percentages, so the text keeps its size when the page gets narrow. */
export function phasesSection(phases: readonly PhaseProgress[]): Html {
  const whole = spanOf(
    phases,
    phases.map(({ phase }) => phase),
  );
  const took =
    whole === undefined
      ? undefined
      : html`<p>${formatDuration(whole.to - whole.from)} from the first phase to the last.</p>`;
  return html`<section><h2>Phases</h2>${took}<ol class="phases">\n${phases.map((phase) => phaseLine(phase, whole))}</ol></section>\n`;
}

function phaseLine(progress: PhaseProgress, whole: Span | undefined): Html {
  const { phase, state, summary } = progress;
  const span = spanOf([progress], [phase]);
  const took =
    state === 'done' && span ? formatDuration(span.to - span.from) : chip(state, state === 'failed' ? 'bad' : 'plain');
  return html`<li class="${state === 'failed' ? 'bad' : 'plain'}"><span class="phase">${phase}</span><span class="bar-cell">${bar(span, whole)}</span><span class="took">${took}</span><span class="summary">${summary}</span></li>\n`;
}

function bar(span: Span | undefined, whole: Span | undefined): Html {
  const ground = html`<rect class="bar-ground" x="0" y="5" width="100%" height="2" rx="1"/>`;
  if (span === undefined || whole === undefined) return html`<svg aria-hidden="true">${ground}</svg>`;
  const total = Math.max(1, whole.to - whole.from);
  const width = Math.max(THINNEST_PERCENT, ((span.to - span.from) / total) * 100);
  const left = Math.min(100 - width, ((span.from - whole.from) / total) * 100);
  return html`<svg aria-hidden="true">${ground}<rect class="bar" x="${left.toFixed(2)}%" y="1" width="${width.toFixed(2)}%" height="10" rx="2"/></svg>`;
}
