import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Ledger, startLedger } from '../../../../local/production/ledger.ts';
import { waitFor } from '../../../support/wait-for.ts';

let dir: string;
let file: string;
let ledger: Ledger;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ledger-'));
  file = join(dir, 'ledger.jsonl');
  ledger = await startLedger({ port: 0, file });
});

afterEach(async () => {
  await ledger.stop();
  await rm(dir, { recursive: true });
});

const post = async (seq: number, bootId = 'boot-1', instanceId = 'i-1') =>
  (await fetch(ledger.url, { method: 'POST', body: JSON.stringify({ bootId, instanceId, seq }) })).status;

test('contacts are counted per boot and instance, with first and last', async () => {
  for (const seq of [1, 2, 5]) expect(await post(seq)).toBe(201);
  await post(1, 'boot-2');
  const contacts = ledger.contacts();
  expect(contacts).toMatchObject([
    { bootId: 'boot-1', instanceId: 'i-1', count: 3, firstSeq: 1, lastSeq: 5 },
    { bootId: 'boot-2', instanceId: 'i-1', count: 1 },
  ]);
  expect(contacts[0]?.lastAt).toBeGreaterThanOrEqual(contacts[0]?.firstAt ?? Number.NaN);
});

test('a machine posts into one connection, which stays open', async () => {
  const body = (seq: number) => JSON.stringify({ bootId: 'boot-1', instanceId: 'i-1', seq });
  const machine = connect(ledger.port, '127.0.0.1');
  let answers = '';
  machine.on('data', (bytes) => {
    answers += bytes;
  });
  for (const seq of [1, 2, 3]) {
    machine.write(`POST /ledger HTTP/1.1\r\nHost: ledger\r\nContent-Length: ${body(seq).length}\r\n\r\n${body(seq)}`);
    await waitFor(async () => answers.split('201 Created').length > seq || undefined, {
      limitMs: 10_000,
      what: `the answer to post ${seq}`,
    });
  }
  expect(machine.closed).toBe(false);
  machine.destroy();
  expect(ledger.contacts()).toMatchObject([{ bootId: 'boot-1', count: 3, lastSeq: 3 }]);
});

test('a restarted ledger knows every contact that it had answered', async () => {
  await Promise.all(Array.from({ length: 50 }, (_, index) => post(index + 1)));
  const before = ledger.contacts();
  await ledger.stop();
  ledger = await startLedger({ port: 0, file });
  expect(ledger.contacts()).toEqual(before);
  expect(before[0]?.count).toBe(50);
});

test('a line cut short by a kill is taken off, and the next one stands alone', async () => {
  await post(1);
  await ledger.stop();
  await appendFile(file, '{"bootId":"boot-1","inst');
  ledger = await startLedger({ port: 0, file });
  await post(2);
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).seq)).toEqual([1, 2]);
});

test('damage in the middle of its file is an error that names the line', async () => {
  await ledger.stop();
  await writeFile(file, '{"nonsense":1}\n');
  await expect(startLedger({ port: 0, file })).rejects.toThrow(/line 1 is not a ledger entry/);
});

test.each([
  { what: 'no JSON', body: 'hello' },
  { what: 'a field of a wrong kind', body: '{"bootId":1,"instanceId":"i","seq":1}' },
  { what: 'a long boot id', body: JSON.stringify({ bootId: 'b'.repeat(65), instanceId: 'i', seq: 1 }) },
])('a contact with $what is refused and counted all the same', async ({ body }) => {
  expect((await fetch(ledger.url, { method: 'POST', body })).status).toBe(400);
  expect(ledger.contacts()).toMatchObject([{ bootId: '', instanceId: '', count: 1 }]);
});

test('a body without end is cut off at 4 KiB and leaves one short line', async () => {
  await new Promise<void>((resolve) => {
    const endless = request(ledger.url, { method: 'POST' });
    endless.on('error', () => resolve());
    endless.on('response', (response) => response.resume().on('end', () => resolve()));
    endless.write('x'.repeat(100_000));
  });
  expect((await readFile(file, 'utf8')).length).toBeLessThan(500);
  expect(await post(1)).toBe(201);
});
