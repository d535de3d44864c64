import type { AgentRecord } from '../contract/evidence.ts';
import { formatBytes, formatCount, formatDuration } from './figures.ts';
import { type Html, html } from './html.ts';
import { chip, figureTable } from './parts.ts';
import type { ReportData } from './report-data.ts';

/** What the applications' own agents did in the clone; absent where the method has none. */
export function agentsSection({ backup: { agents, consistency } }: ReportData): Html | undefined {
  if (agents === undefined) return undefined;
  const rows = agents.map((record) => rowOf(record, consistency?.agents[record.recipe]));
  const columns = ['Agent', 'Class', 'Exit', 'Took', 'Files', 'Wrote', 'Log', 'SHA-256 of the log'];
  return html`<section><h2>Agents</h2>
<p>The applications' own backup agents, run in the clone. Measured by the boot script; the end of each log is sealed in the vault, the digest is that of the whole.</p>
${figureTable(
  undefined,
  columns.map((title, at) => ({ title, numeric: at > 1 && at < 7 })),
  rows,
)}</section>\n`;
}

function rowOf({ recipe, exitStatus, startedAt, endedAt, output, log }: AgentRecord, found: string | undefined) {
  return [
    recipe,
    found === undefined ? chip('not proven', 'bad') : chip(found, 'good'),
    String(exitStatus),
    formatDuration(Date.parse(endedAt) - Date.parse(startedAt)),
    output === null ? 'not listed' : formatCount(output.files),
    output === null ? '' : formatBytes(output.bytes),
    formatBytes(log.bytes),
    html`<code>${log.sha256.slice(0, 16)}…</code>`,
  ];
}
