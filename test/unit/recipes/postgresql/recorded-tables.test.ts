import { expect, test } from 'vitest';
import type { FileReader } from '../../../../src/disk/file-reader.ts';
import { readRecordedTables } from '../../../../src/recipes/postgresql/recorded-tables.ts';

const NEVER = new AbortController().signal;

function folder(files: Readonly<Record<string, string>>): FileReader {
  return {
    read: async (path) => (path in files ? Buffer.from(files[path] ?? '', 'latin1') : undefined),
    readTail: async () => undefined,
    list: async () => Object.keys(files),
  };
}

test('databases and tables are what the agent counted, whatever their names hold', async () => {
  const output = folder({
    '1.name': 'bank\n',
    '1.rows': 'public.accounts|1000|-5\npublic.odd|name|2|9\nno line of a table\n',
    '2.name': 'caf\xc3\xa9\x1b[2J\n',
    '2.rows': '',
    '4.name': 'behind a gap\n',
    '4.rows': 'public.t|1|1\n',
  });
  expect(await readRecordedTables(output, NEVER)).toEqual([
    { kind: 'database', name: 'bank', rows: 1002 },
    { kind: 'table', name: 'bank/public.accounts', rows: 1000 },
    { kind: 'table', name: 'bank/public.odd|name', rows: 2 },
    { kind: 'database', name: 'café\\x1b[2J', rows: 0 },
  ]);
  expect(await readRecordedTables(folder({}), NEVER)).toEqual([]);
});
