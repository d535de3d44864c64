import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const execute = promisify(execFile);
const RECIPES = fileURLToPath(new URL('../../../../src/recipes/', import.meta.url));

/** Runs the script where psql and pg_dump are stand-ins that note what reaches them. */
async function extract(
  request: Readonly<Record<string, string>>,
  { found = 'public.t\n', dump = '', status = 0 } = {},
) {
  const dir = await mkdtemp(join(tmpdir(), 'extract-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  for (const folder of ['bin', 'request', 'params', 'tmp']) await mkdir(join(dir, folder));
  const put = (name: string, text: string) => writeFile(join(dir, name), text);
  const program = async (name: string, text: string) => {
    await put(`bin/${name}`, `#!/bin/sh\n${text}\n`);
    await chmod(join(dir, 'bin', name), 0o755);
  };
  await program('su', 'while [ "$1" != -c ]; do shift; done; exec sh -c "$2"');
  await program('psql', `for word; do printf '%s\\n' "$word"; done >'${dir}/psql'; cat >/dev/null; cat '${dir}/found'`);
  await program(
    'pg_dump',
    `for word; do printf '%s\\n' "$word"; done >'${dir}/pg_dump'; echo "$PGDATABASE" >'${dir}/database'; cat '${dir}/dump'; exit ${status}`,
  );
  await put('found', found);
  await put('dump', dump);
  await put('params/user', 'postgres\n');
  await put('params/port', '5432\n');
  for (const [field, value] of Object.entries(request)) await put(`request/${field}`, value);
  const env = {
    PATH: `${dir}/bin:${process.env.PATH}`,
    UNDERSTUDY_LIB: join(RECIPES, 'boot/lib.sh'),
    UNDERSTUDY_PARAMS: join(dir, 'params'),
    UNDERSTUDY_REQUEST: join(dir, 'request'),
    UNDERSTUDY_TMP: join(dir, 'tmp'),
  };
  const run = `sh '${join(RECIPES, 'postgresql/extract.sh')}' 3>'${dir}/out'`;
  const { stdout } = await execute('sh', ['-c', run], { env }).catch((error: { stdout: string }) => error);
  const read = (name: string) => readFile(join(dir, name), 'utf8').catch(() => '');
  return {
    answer: JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { ok: boolean; facts: Record<string, unknown> },
    out: await read('out'),
    psql: (await read('psql')).split('\n'),
    dumped: (await read('pg_dump')).split('\n'),
    database: await read('database'),
  };
}

const HOSTILE = `x"; $(touch pwned) '--option' * é`;

test('a hostile name reaches the database as it is, and pg_dump only as the server quoted it', async () => {
  const request = { database: HOSTILE, schema: HOSTILE, table: HOSTILE };
  const { psql, dumped, database } = await extract(request, { found: 'public."x""; $(touch pwned) *"\n' });
  expect(psql).toContain(`table=${HOSTILE}`);
  expect(psql).toContain(`schema=${HOSTILE}`);
  expect(database).toBe(`${HOSTILE}\n`);
  expect(dumped).toContain('--table=public."x""; $(touch pwned) *"');
  expect(dumped).toContain('--strict-names');
});

test('rows are counted in what is written, of all parts of a partitioned table', async () => {
  const dump =
    'CREATE TABLE t ();\nCOPY public.t1 (a) FROM stdin;\nCOPY x FROM stdin;\n\\N\n\\.\n\nCOPY public.t2 (a) FROM stdin;\n3\n\\.\n';
  const { answer, out, dumped } = await extract(
    { database: 'd', table: 't' },
    { found: 'public.t\npublic.t1\npublic.t2\n', dump },
  );
  expect(answer).toMatchObject({ ok: true, facts: { rows: 3, table: 'public.t', parts: 3, format: 'sql' } });
  expect(out).toBe(dump);
  expect(dumped.filter((word) => word.startsWith('--table='))).toHaveLength(3);
});

test('a table that is not there, and a dump that breaks off, are answers of their own', async () => {
  const missing = await extract({ database: 'd', table: 't' }, { found: '' });
  expect(missing.answer).toMatchObject({ ok: false, facts: { reason: 'there is no such table in this database' } });
  const broken = await extract({ database: 'd', table: 't' }, { dump: 'CREATE', status: 1 });
  expect(broken.answer).toMatchObject({ ok: false, facts: { reason: 'pg_dump failed' } });
});
