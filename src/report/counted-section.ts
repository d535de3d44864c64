import type { Leftover } from '../contract/results.ts';
import { formatBytes, formatCount } from './figures.ts';
import { type Html, html } from './html.ts';
import { figureTable } from './parts.ts';
import type { CountedCall, ReportData } from './report-data.ts';

/** What the platform charges a read for (EBS direct APIs). */
const BLOCK_BYTES = 524_288;

/** What a bill is made of, counted; prices differ by region and contract, so none is given. */
export function countedSection({ calls, backup: { volumes = [], verification } }: ReportData): Html | undefined {
  if (volumes.length === 0 && calls === undefined) return undefined;
  const sum = (of: 'bytesRead' | 'bytesStored' | 'bytesReused' | 'blocksAudited') =>
    volumes.reduce((total, volume) => total + volume[of], 0);
  const totals = [
    ['Blocks read from snapshots', formatCount(sum('bytesRead') / BLOCK_BYTES), formatBytes(sum('bytesRead'))],
    ['… of them unchanged, to audit the platform', formatCount(sum('blocksAudited')), ''],
    ['Stored in the vault, sealed', '', formatBytes(sum('bytesStored'))],
    ['Reused from the point before, sealed', '', formatBytes(sum('bytesReused'))],
    ['Restored for the verification', '', verification === undefined ? '–' : formatBytes(verification.restoredBytes)],
  ];
  const columns = ['Counted', 'Number', 'Bytes'].map((title, at) => ({ title, numeric: at > 0 }));
  return html`<section><h2>Requests and bytes</h2>
<p>What a bill is made of. Prices depend on region and contract, so none is given here.</p>
${figureTable(undefined, columns, totals)}${calls === undefined ? undefined : callTable(calls)}</section>\n`;
}

export function leftoversSection(leftovers: readonly Leftover[]): Html {
  if (leftovers.length === 0) {
    return html`<section><h2>Leftovers</h2><p>None: every machine, volume, image and snapshot of this run is removed, or kept on purpose.</p></section>\n`;
  }
  const rows = leftovers.map(({ kind, id, reason }) => [kind, html`<code>${id}</code>`, reason]);
  const columns = ['Kind', 'Id', 'Why it is still there'].map((title) => ({ title, numeric: false }));
  return html`<section><h2>Leftovers</h2><p>These could not be removed and cost money until the sweeper removes them.</p>${figureTable(undefined, columns, rows)}</section>\n`;
}

function callTable(calls: readonly CountedCall[]): Html {
  const rows = [...calls]
    .sort((a, b) => b.calls - a.calls)
    .map(({ service, action, calls: made, errors }) => [
      service,
      html`<code>${action}</code>`,
      formatCount(made),
      formatCount(errors),
    ]);
  const columns = ['Service', 'Action', 'Calls', 'Errors'].map((title, at) => ({ title, numeric: at > 1 }));
  return figureTable('Calls to the platform', columns, rows);
}
