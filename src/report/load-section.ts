import { counted, formatCount, formatLatency } from './figures.ts';
import { type Html, html } from './html.ts';
import { latencyWindows } from './latency.ts';
import { latencyPlot } from './latency-plot.ts';
import { figureTable } from './parts.ts';
import type { ReportData } from './report-data.ts';

/** What production's clients saw. Latencies are reported and never judged; failed requests and reconnects are judged. */
export function loadSection({ load, backup: { phases, pointInTime } }: ReportData): Html | undefined {
  if (load === undefined || load.samples.length === 0) return undefined;
  const columns = ['While', 'Requests', 'Failed', 'p50', 'p99', 'Slowest'];
  const rows = latencyWindows(load.samples, phases).map(({ name, requests, failed, p50, p99, slowest }) => [
    name,
    formatCount(requests),
    formatCount(failed),
    formatLatency(p50),
    formatLatency(p99),
    formatLatency(slowest),
  ]);
  return html`<section><h2>Production meanwhile</h2>
<p>${counted(load.clients, 'client')} without any retry; every request is a dot. Where production and its clones share one host, as on the local cloud, the latencies also show that host's load.</p>
<div class="wide" tabindex="0">${latencyPlot({ samples: load.samples, phases, ...(pointInTime !== undefined && { captureAt: pointInTime }) })}</div>
${figureTable(
  undefined,
  columns.map((title, at) => ({ title, numeric: at > 0 })),
  rows,
)}</section>\n`;
}
