import { counted, formatCount } from './figures.ts';
import { type Html, html } from './html.ts';
import { chip, figureTable } from './parts.ts';
import type { ClientComparison, ComparedValue, DatabaseComparison, ReportData } from './report-data.ts';

/** Whether an acknowledged write was lost: what clients were told, beside what the restored database holds. */
export function databaseSection({ databases = [] }: ReportData): Html | undefined {
  if (databases.length === 0) return undefined;
  return html`<section><h2>Acknowledged writes</h2>
<p>Every client numbers its transfers without gaps. The restored database must hold each number that was acknowledged before the capture's time, none that was sent after the capture's reply, and nothing missing in between.</p>
${databases.map(comparison)}</section>\n`;
}

/** True when the restored database holds a gap-free prefix that ends where it may. */
function isKept({ acknowledged, sent, found, gaps }: ClientComparison): boolean {
  return gaps === 0 && found >= acknowledged && found <= sent;
}

function comparison({ application, clients, values }: DatabaseComparison): Html {
  const kept = clients.filter(isKept).length;
  const verdict = kept === clients.length ? 'no acknowledged write is lost' : 'not as clients were told';
  const caption = `${application}: ${kept} of ${counted(clients.length, 'client')} complete, ${verdict}`;
  const columns = ['Client', 'Acknowledged before', 'Found', 'Sent before the reply', 'Missing', ''];
  return html`${figureTable(
    caption,
    columns.map((title, at) => ({ title, numeric: at > 0 && at < 5 })),
    clients.map(clientRow),
  )}${values.length === 0 ? undefined : valueTable(values)}`;
}

function clientRow(client: ClientComparison): readonly (Html | string)[] {
  const { acknowledged, found, sent, gaps } = client;
  return [
    client.client,
    formatCount(acknowledged),
    formatCount(found),
    formatCount(sent),
    formatCount(gaps),
    isKept(client)
      ? chip('complete', 'good')
      : chip(gaps > 0 || found < acknowledged ? 'lost writes' : 'unsent writes', 'bad'),
  ];
}

function valueTable(values: readonly ComparedValue[]): Html {
  const columns = ['Asked', 'Production', 'Restored', ''].map((title, at) => ({
    title,
    numeric: at === 1 || at === 2,
  }));
  const rows = values.map(({ name, production, restored }) => [
    name,
    shown(production),
    shown(restored),
    production === restored ? chip('equal', 'good') : chip('differs', 'bad'),
  ]);
  return figureTable(undefined, columns, rows);
}

function shown(value: string | number): string {
  return typeof value === 'number' ? formatCount(value) : value;
}
