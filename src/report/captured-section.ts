import type { ArchivedVolume } from '../contract/results.ts';
import { formatBytes, formatCount, formatDuration, formatInstant } from './figures.ts';
import { type Html, type HtmlValue, html } from './html.ts';
import { figureTable } from './parts.ts';
import type { ReportData } from './report-data.ts';
import { METHOD_MEANING } from './verdict-section.ts';

/** What was backed up, when, how, and where it is now. */
export function capturedSection({ source, backup, method, vaultUrl }: ReportData): Html {
  const { pointId, pointInTime, volumes } = backup;
  const size = source.instanceType === undefined ? undefined : ` (${source.instanceType})`;
  return html`<section><h2>What was backed up</h2>
<dl class="facts">${[
    fact('Instance', html`<code>${source.instanceId}</code>${size}`),
    fact('Account and region', html`<code>${source.accountId}</code>, ${source.region}`),
    fact('Time of the recovery point', pointInTime === undefined ? undefined : formatInstant(pointInTime)),
    pointId === undefined ? fact('Run; no point was committed', html`<code>${backup.runId}</code>`) : undefined,
    fact('Recovery point', pointId === undefined ? undefined : html`<code>${pointId}</code>`),
    fact(`Vault “${backup.vault}”`, html`<code>${vaultUrl}</code>`),
    fact(
      'Applications recognized',
      source.applications === undefined ? undefined : source.applications.join(', ') || 'none',
    ),
    html`<div class="whole"><dt>Method</dt><dd>${method}: ${METHOD_MEANING[method]}</dd></div>\n`,
  ]}</dl>
${volumes === undefined ? undefined : volumeTable(volumes)}${builtOnLine(volumes)}${restoredLine(backup)}
<p class="after">A capture holds what had reached the disks at that instant. What was only in memory is not in it.</p></section>\n`;
}

function fact(name: string, value: HtmlValue): Html | undefined {
  return value === undefined ? undefined : html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`;
}

function volumeTable(volumes: readonly ArchivedVolume[]): Html {
  const rows = volumes.map((volume) => [
    html`<code>${volume.volumeId}</code>`,
    html`<code>${volume.deviceName}</code>`,
    formatBytes(volume.volumeBytes),
    formatBytes(volume.bytesRead),
    formatBytes(volume.bytesStored),
    formatBytes(volume.bytesReused),
    formatCount(volume.blocks),
    formatCount(volume.holes),
  ]);
  const columns = ['Volume', 'Device', 'Size', 'Read', 'New', 'Reused', 'Blocks', 'Holes'];
  return figureTable(
    undefined,
    columns.map((title, at) => ({ title, numeric: at > 1 })),
    rows,
  );
}

function builtOnLine(volumes: readonly ArchivedVolume[] = []): Html | undefined {
  const [first] = volumes;
  if (!first) return undefined;
  const parent = volumes.find(({ parentId }) => parentId !== undefined)?.parentId;
  const why = volumes.find(({ readAll }) => readAll !== undefined)?.readAll;
  const base = parent === undefined ? 'Built on no other point' : html`Built on <code>${parent}</code>`;
  const reading =
    why === undefined
      ? 'only blocks that changed were read, and a sample of the others'
      : `every block was read: ${why}`;
  return html`<p class="after">${base}; ${reading}.</p>`;
}

function restoredLine({ verification }: ReportData['backup']): Html | undefined {
  if (verification === undefined || verification.restoredBytes === 0) return undefined;
  const { restoredBytes, restoreMs } = verification;
  const rate = restoreMs > 0 ? `, ${formatBytes((restoredBytes / restoreMs) * 1000)}/s` : '';
  return html`<p class="after">Restored from the vault for the verification: ${formatBytes(restoredBytes)} in ${formatDuration(restoreMs)}${rate}.</p>`;
}
