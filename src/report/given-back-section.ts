import { formatBytes } from './figures.ts';
import { type Html, html } from './html.ts';
import { chip, figureTable } from './parts.ts';
import type { GivenBack, ReportData } from './report-data.ts';

const TITLES: Readonly<Record<string, string>> = {
  search: 'A search',
  file: 'One file',
  table: 'One table',
  instant: 'The machine, at once',
};

/** What the point was good for on the day it was made: each line is a command that anybody can type again. */
export function givenBackSection({ givenBack = [] }: ReportData): Html | undefined {
  if (givenBack.length === 0) return undefined;
  const columns = ['What', 'Found', 'Time', 'From the vault', ''].map((title, at) => ({
    title,
    numeric: at === 2 || at === 3,
  }));
  return html`<section><h2>Given back</h2>
<p>From the vault alone, by the commands below; nothing that exists was written to.</p>
${figureTable(undefined, columns, givenBack.map(row))}</section>\n`;
}

function row({ name, holds, found, command, seconds, bytesFetched }: GivenBack): readonly (Html | string)[] {
  return [
    TITLES[name] ?? name,
    html`${found}<br><code>${command}</code>`,
    `${seconds.toFixed(1)} s`,
    bytesFetched === undefined ? '–' : formatBytes(bytesFetched),
    holds ? chip('as it was', 'good') : chip('differs', 'bad'),
  ];
}
