import type { Check } from '../contract/check.ts';
import type { Fact } from '../contract/evidence.ts';
import { type Html, type HtmlValue, html } from './html.ts';

/** How a verdict looks; the word always stands beside the colour. */
export type Tone = 'good' | 'warn' | 'bad' | 'plain';

const FACT_TONES: Readonly<Record<Fact['verdict'], Tone>> = {
  clean: 'good',
  dirty: 'bad',
  unknown: 'warn',
  'not-observed': 'plain',
};

const CHECK_TONES: Readonly<Record<Check['verdict'], Tone>> = {
  holds: 'good',
  broken: 'bad',
  'not-checked': 'warn',
  accepted: 'warn',
};

/** Paths on a 16 by 16 field: no icon font, no image. */
const MARKS: Readonly<Record<Tone, string>> = {
  good: 'M2.5 8.5 6.2 12.2 13.5 4',
  warn: 'M8 2.5V9.5M8 13V13.2',
  bad: 'M3.5 3.5 12.5 12.5M12.5 3.5 3.5 12.5',
  plain: 'M3 8H13',
};

/** One of the verdicts side by side. */
export function verdictCell(label: string, tone: Tone, value: HtmlValue, why: HtmlValue): Html {
  return html`<div class="${tone}"><p class="label">${label}</p><p class="value">${mark(tone)}${value}</p><p class="why">${why}</p></div>\n`;
}

export function chip(word: string, tone: Tone): Html {
  return html`<span class="chip ${tone}">${word}</span>`;
}

export function factTable(caption: string, facts: readonly Fact[]): Html {
  const rows = facts.map(
    ({ name, verdict, found }) =>
      html`<tr><td>${name}</td><td>${chip(verdict, FACT_TONES[verdict])}</td><td>${found}</td></tr>\n`,
  );
  return evidenceTable(caption, rows);
}

export function checkTable(caption: string, checks: readonly Check[]): Html {
  const rows = checks.map(
    ({ name, verdict, found, remedy }) =>
      html`<tr><td class="mono">${name}</td><td>${chip(verdict, CHECK_TONES[verdict])}</td><td>${found}${
        remedy === undefined ? undefined : html`<span class="remedy">${remedy}</span>`
      }</td></tr>\n`,
  );
  return evidenceTable(caption, rows);
}

/** A table of figures; the columns named in `numeric` are set flush right. */
export function figureTable(caption: string | undefined, columns: readonly Column[], rows: readonly Row[]): Html {
  const head = columns.map(({ title, numeric }) => html`<th${numeric ? NUMERIC : undefined}>${title}</th>`);
  const body = rows.map(
    (row) =>
      html`<tr>${row.map((cell, at) => html`<td${columns[at]?.numeric ? NUMERIC : undefined}>${cell}</td>`)}</tr>\n`,
  );
  return html`<div class="wide"><table>${caption === undefined ? undefined : html`<caption>${caption}</caption>`}<thead><tr>${head}</tr></thead><tbody>\n${body}</tbody></table></div>\n`;
}

export interface Column {
  readonly title: string;
  readonly numeric: boolean;
}
export type Row = readonly HtmlValue[];

const NUMERIC = html` class="num"`;

function evidenceTable(caption: string, rows: readonly Html[]): Html {
  return html`<table class="evidence"><caption>${caption}</caption><thead><tr><th>What was read</th><th>Verdict</th><th>What it said</th></tr></thead><tbody>\n${rows}</tbody></table>\n`;
}

function mark(tone: Tone): Html {
  return html`<svg width="17" height="17" viewBox="0 0 16 16" aria-hidden="true"><path class="mark" d="${MARKS[tone]}"/></svg>`;
}
