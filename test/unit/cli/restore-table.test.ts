import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { TableResult } from '../../../src/contract/results.ts';
import { EvidenceError } from '../../../src/errors.ts';
import { runFake } from './fake-deps.ts';

const POINT = '20261123T023107Z-9f2c01ab';
const TABLE: TableResult = {
  pointId: POINT,
  runId: '20261124T000000Z-00000001',
  vault: 'main',
  recipe: 'postgresql',
  extract: { parts: 2, bytes: 8, sha256: 'a'.repeat(64), format: 'sql', name: 'public.accounts', rows: 1000 },
  isolation: [],
  restoredBytes: 1,
  restoreMs: 1,
  phases: [],
  leftovers: [],
};
const script = { table: TABLE, parts: ['COPY', 'data'], progress: [{ phases: [], volumes: [] }] };

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'table-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('a table ends as a file of its owner, with its rows and its digest told', async () => {
  const out = join(await folder(), 'accounts.sql');
  const { exitCode, stdout, requests } = await runFake(
    ['restore', 'table', POINT, 'bank.accounts', '--out', out],
    script,
  );
  expect(requests[0]).toEqual({
    request: { pointId: POINT, database: 'bank', table: 'accounts' },
    requestId: 'request-1',
  });
  expect(await readFile(out, 'utf8')).toBe('COPYdata');
  expect((await stat(out)).mode & 0o777).toBe(0o600);
  expect(stdout).toMatch(/public\.accounts of \S+, 1000 rows/);
  expect(stdout).toContain('a'.repeat(64));
  expect(exitCode).toBe(0);
});

test.each([
  { name: 'bank.public.accounts', database: 'bank', schema: 'public', table: 'accounts' },
  { name: 'bank."odd.name"', database: 'bank', table: 'odd.name' },
  { name: '"a ""b"""."c d".e', database: 'a "b"', schema: 'c d', table: 'e' },
])('$name is understood as SQL would', async ({ name, ...wanted }) => {
  const out = join(await folder(), 'x.sql');
  const { requests } = await runFake(['restore', 'table', POINT, name, '--out', out], script);
  expect(requests[0]).toMatchObject({ request: { pointId: POINT, ...wanted } });
});

test.each(['accounts', 'a.b.c.d', 'bank.acc\u0001ounts'])('%j is wrong usage, and nothing is started', async (name) => {
  const run = await runFake(['restore', 'table', POINT, name]);
  expect(run).toMatchObject({ exitCode: 2, requests: [] });
});

test('a file that exists is not written over, and nothing is started for it', async () => {
  const out = join(await folder(), 'accounts.sql');
  await writeFile(out, 'mine');
  const run = await runFake(['restore', 'table', POINT, 'bank.accounts', '--out', out], script);
  expect(run).toMatchObject({ exitCode: 1, requests: [] });
  expect(await readFile(out, 'utf8')).toBe('mine');
});

test.each(['dump', 'disks'])('a place where no file can be made is named, with the %s at hand', async (from) => {
  const args = ['restore', 'table', POINT, 'bank.days', '--from', from, '--out', join(await folder(), 'no', 'x.sql')];
  const { exitCode, stderr } = await runFake(args, { ...script, dump: DUMP });
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/no\/x\.sql cannot be written: its folder does not exist(.|\n)*TargetUnusable/);
});

test('a table that cannot be taken out leaves no file and its reason', async () => {
  const dir = await folder();
  const table = new EvidenceError('ExtractFailed', 'extract: postgresql gave nothing: there is no such table');
  const args = ['restore', 'table', POINT, 'bank.nothing', '--out', join(dir, 'x.sql')];
  const { exitCode, stderr } = await runFake(args, { ...script, table });
  expect({ exitCode, told: stderr.includes('there is no such table') }).toEqual({ exitCode: 1, told: true });
  await expect(stat(join(dir, 'x.sql'))).rejects.toThrow();
});

/** Made by pg_dump 15 from tables.sql beside it. */
const DUMP = readFileSync(new URL('../../support/dumps/tables.dump', import.meta.url));

async function dumped(table: string) {
  const out = join(await folder(), 'table.sql');
  const ended = await runFake(['restore', 'table', POINT, `bank.${table}`, '--out', out], { ...script, dump: DUMP });
  return { ...ended, out, sql: await readFile(out, 'utf8').catch(() => '') };
}

test("a table comes out of an agent's dump with its rows and all that is its own, without starting anything", async () => {
  const { exitCode, requests, stdout, out, sql } = await dumped('"odd accounts"');
  expect({ exitCode, requests }).toEqual({ exitCode: 0, requests: [] });
  expect((await stat(out)).mode & 0o777).toBe(0o600);
  expect(stdout).toMatch(/public\.odd accounts of \S+, 2 rows/);
  for (const part of [
    /CREATE TABLE public\."odd accounts"[^;]*CONSTRAINT "odd accounts_balance_check" CHECK/,
    /CREATE SEQUENCE public\."odd accounts_id_seq"/,
    /OWNED BY public\."odd accounts"\.id/,
    /ADD GENERATED ALWAYS AS IDENTITY/,
    /COLUMN id SET DEFAULT nextval/,
    /setval\('public\."odd accounts_id_seq"', 2, true\)/,
    /^1\t1\t1\t\\N\tann\tok\t1\t5$/m,
    /PRIMARY KEY \(id\)/,
    /UNIQUE \(owner, branch\)/,
    /CREATE INDEX "by owner"/,
    /COMMENT ON COLUMN/,
    /^ {4}ADD CONSTRAINT "odd accounts_parent_fkey" FOREIGN KEY \(parent\)/m,
  ])
    expect(sql).toMatch(part);
  expect(sql).not.toMatch(/transfers|CREATE VIEW|CREATE TYPE|CREATE TABLE public\.branches/);
});

test('what leads to other parts of the database is said, and stands in the file as a comment', async () => {
  const { stdout, sql } = await dumped('"odd accounts"');
  expect(stdout).toMatch(/left out +FK CONSTRAINT public odd accounts odd accounts_branch_fkey/);
  expect(stdout).toMatch(/left out +TRIGGER public odd accounts stamps/);
  expect(stdout).toMatch(/needs +TYPE public mood/);
  expect(stdout).toMatch(/needs +SEQUENCE public ticket_numbers/);
  expect(sql).toMatch(/^-- +ADD CONSTRAINT "odd accounts_branch_fkey" FOREIGN KEY \(branch\) REFERENCES/m);
  expect(sql).toMatch(/^-- CREATE TRIGGER stamps/m);
  expect(sql).not.toMatch(/^(CREATE TRIGGER| *ADD CONSTRAINT "odd accounts_branch_fkey")/m);
});

test('a partitioned table brings its partitions, and a partition alone is a table with its key', async () => {
  const whole = await dumped('days');
  expect(whole.stdout).toMatch(/public\.days of \S+, 2 rows/);
  expect(whole.sql.match(/ATTACH PARTITION/g)).toHaveLength(4); // two tables, two keys
  const part = await dumped('days_1');
  expect(part.stdout).toMatch(/public\.days_1 of \S+, 1 rows/);
  expect(part.sql).toMatch(/^ {4}ADD CONSTRAINT days_1_pkey PRIMARY KEY/m);
  expect(part.sql).not.toMatch(/^ALTER TABLE ONLY public\.days ATTACH/m);
});

test.each([
  { table: 'nothing', says: 'the dump has no table of that name' },
  { table: 'rich', says: 'no table of that name, but a VIEW' },
])('$table is no table, and leaves no file', async ({ table, says }) => {
  const { exitCode, stderr, sql } = await dumped(table);
  expect({ exitCode, told: stderr.includes(says), sql }).toEqual({ exitCode: 1, told: true, sql: '' });
});

/** Another program than the real one. */
async function withPgRestore(script: string): Promise<void> {
  const path = await folder();
  await writeFile(join(path, 'pg_restore'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${path}:${process.env.PATH}`);
}

test('with --from disks the dump is left alone; with --from dump nothing else will do', async () => {
  const out = join(await folder(), 'accounts.sql');
  const args = ['restore', 'table', POINT, 'bank.accounts', '--out', out, '--from'];
  expect(await runFake([...args, 'dump'], script)).toMatchObject({ exitCode: 2, requests: [] });
  expect((await runFake([...args, 'disks'], { ...script, dump: DUMP })).requests).toHaveLength(2);
});

test('a program that cannot read the dump leaves no file and says why', async () => {
  const out = join(await folder(), 'accounts.sql');
  await withPgRestore('echo "unsupported version (1.99) in file header" >&2; exit 1');
  const args = ['restore', 'table', POINT, 'bank.accounts', '--out', out];
  const { exitCode, stderr } = await runFake(args, { ...script, dump: Buffer.alloc(1_000_000) });
  expect({ exitCode, told: stderr.includes('unsupported version') }).toEqual({ exitCode: 1, told: true });
  await expect(stat(out)).rejects.toThrow();
  await expect(stat(`${out}.partial`)).rejects.toThrow();
});
