import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTransferLog, readTransferLog, summarizeWindow } from '../../../../local/production/transfer-log.ts';

let dir: string;
let file: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'transfers-'));
  file = join(dir, 'transfers.jsonl');
});
afterEach(() => rm(dir, { recursive: true }));

const TRANSFERS = [
  { client: 1, number: 1, sentAt: 1000.25, acknowledgedAt: 1010.25 },
  { client: 2, number: 1, sentAt: 1999.5, acknowledgedAt: 2100 },
  { client: 1, number: 2, sentAt: 2000, error: 'Connection terminated unexpectedly' },
];

test('a closed log reads back as it was written, fractions of milliseconds included', async () => {
  const log = openTransferLog(file);
  for (const transfer of TRANSFERS) log.write(transfer);
  await log.close();
  expect(await readTransferLog(file)).toEqual(TRANSFERS);
});

test('a log whose last line was cut by a kill gives all lines before it', async () => {
  await writeFile(file, TRANSFERS.map((transfer) => `${JSON.stringify(transfer)}\n`).join(''));
  await appendFile(file, '{"client":1,"numb');
  expect(await readTransferLog(file)).toEqual(TRANSFERS);
});

test('a damaged line elsewhere is an error that names it', async () => {
  await writeFile(file, `${JSON.stringify(TRANSFERS[0])}\n{"client":"one"}\n${JSON.stringify(TRANSFERS[1])}\n`);
  await expect(readTransferLog(file)).rejects.toThrow(/line 2 is not a transfer/);
});

test('a log that cannot be written fails when it is closed', async () => {
  const log = openTransferLog(join(dir, 'missing', 'transfers.jsonl'));
  await expect(log.close()).rejects.toThrow(/ENOENT/);
});

test('a window holds what was sent in it, whenever the answer came, and counts failures', () => {
  expect(summarizeWindow(TRANSFERS, 1000, 2000)).toEqual({ count: 2, p50: 10, p99: 100.5, max: 100.5, failures: 0 });
  expect(summarizeWindow(TRANSFERS, 2000, 3000)).toMatchObject({
    count: 1,
    p50: undefined,
    max: undefined,
    failures: 1,
  });
  expect(summarizeWindow(TRANSFERS, 3000, 4000)).toMatchObject({ count: 0, failures: 0 });
});

test('percentiles are latencies that occurred (nearest rank)', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => ({
    client: 1,
    number: index + 1,
    sentAt: 0,
    acknowledgedAt: 100 - index,
  }));
  expect(summarizeWindow(hundred, 0, 1)).toMatchObject({ p50: 50, p99: 99, max: 100 });
});
