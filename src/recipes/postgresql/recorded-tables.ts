import type { FileReader } from '../../disk/file-reader.ts';
import { shownBytes } from '../../disk/tree/shown-bytes.ts';
import type { RecordedObject } from '../recipe.ts';

/** NAMEDATALEN is 64, and some builds raise it. */
const NAME_BYTES = 1_024;
/** A hundred thousand tables with long names. */
const ROWS_BYTES = 16 << 20;
/** More databases in one server are a mistake, or hostile. */
const MOST_DATABASES = 1_000;
const MOST_TABLES = 100_000;
const LONGEST_NAME = 1_024;

/** What agent.sh wrote beside each dump: `<n>.name` holds the database, `<n>.rows` a line `<table>|<rows>|<sum>` per table. */
export async function readRecordedTables(output: FileReader, signal: AbortSignal): Promise<readonly RecordedObject[]> {
  const objects: RecordedObject[] = [];
  for (let n = 1; n <= MOST_DATABASES; n++) {
    const name = await output.read(`${n}.name`, NAME_BYTES, signal);
    const rows = await output.read(`${n}.rows`, ROWS_BYTES, signal);
    if (!name || !rows) break;
    const database = latin1(name).replace(/\n$/, '');
    const tables = latin1(rows)
      .split('\n')
      .flatMap(tableIn)
      .slice(0, MOST_TABLES - objects.length);
    const counted = tables.reduce((sum, table) => sum + table.rows, 0);
    objects.push({ kind: 'database', name: shown(database), rows: counted });
    for (const table of tables)
      objects.push({ kind: 'table', name: shown(`${database}/${table.name}`), rows: table.rows });
  }
  return objects;
}

/** From its end: a table's name may hold the separator. One with a line break is in no line of this form. */
function tableIn(line: string): { name: string; rows: number }[] {
  const [, name, rows] = /^(.+)\|(\d{1,15})\|-?\d+$/.exec(line) ?? [];
  return name === undefined ? [] : [{ name, rows: Number(rows) }];
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function shown(name: string): string {
  return shownBytes(name).slice(0, LONGEST_NAME);
}
