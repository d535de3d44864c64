import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { now } from '../../../../local/production/bank-client.ts';
import { type Load, startLoad } from '../../../../local/production/load.ts';
import { readTransferLog } from '../../../../local/production/transfer-log.ts';
import { copyGuestDisks, guestImage } from '../../../support/guest-image.ts';
import { type GuestMachine, startGuestMachine } from '../../../support/guest-machine.ts';
import { waitFor } from '../../../support/wait-for.ts';

let dir: string;
let machine: GuestMachine;

beforeAll(async () => {
  const guest = await guestImage();
  const disks = await copyGuestDisks(guest);
  dir = disks.dir;
  const wiring = { busybox: guest.busybox, openPorts: [5432] };
  machine = await startGuestMachine({ dir, name: 'bank', disks: [disks.root, disks.data], ...wiring });
  await waitFor(() => query('select 1').catch(() => undefined), {
    limitMs: 90_000,
    what: 'PostgreSQL',
    otherwise: machine.console,
  });
});

afterAll(async () => {
  await machine?.kill();
  if (dir) await rm(dir, { recursive: true });
});

const address = () => ({ host: '127.0.0.1', port: machine.hostPort(5432), database: 'bank', user: 'app' });

async function query<Row extends pg.QueryResultRow>(text: string): Promise<Row[]> {
  const client = new pg.Client({ ...address(), connectionTimeoutMillis: 2000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

const perClient =
  'select client, count(*)::int as count, max(number)::int as last from transfers group by client order by client';

function acknowledgedAtLeast(load: Load, transfers: number): Promise<true> {
  const ask = async () => (load.snapshot().acknowledged >= transfers ? true : undefined);
  return waitFor(ask, {
    limitMs: 60_000,
    what: `${transfers} transfers`,
    otherwise: async () => JSON.stringify(load.snapshot()),
  });
}

test('every acknowledged transfer is in the bank, numbered without gaps, and no money appears or vanishes', async () => {
  const began = now();
  const load = await startLoad({ ...address(), file: join(dir, 'first.jsonl') });
  await acknowledgedAtLeast(load, 200);
  const { clients, sent, failedRequests, reconnects } = await load.stop();
  const seconds = (now() - began) / 1000;
  const rows = await query<{ client: number; count: number; last: number }>(perClient);
  expect(rows).toEqual(
    clients.map(({ client, acknowledged }) => ({ client, count: acknowledged, last: acknowledged })),
  );
  expect(await query('select sum(balance)::int as sum from accounts')).toEqual([{ sum: 10_000_000 }]);
  expect({ failedRequests, reconnects }).toEqual({ failedRequests: 0, reconnects: 0 });
  expect(sent / seconds).toBeLessThan(44); // 40/s asked for: a schedule, not as fast as it can
  const window = load.window(began, now());
  expect(window).toMatchObject({ count: sent, failures: 0 });
  expect(window.max).toBeGreaterThan(window.p50 ?? Number.NaN);
  expect(await readTransferLog(join(dir, 'first.jsonl'))).toHaveLength(sent);
});

test('another load on the same bank goes on with the next numbers', async () => {
  const before = await query<{ client: number; last: number }>(perClient);
  const load = await startLoad({ ...address(), file: join(dir, 'second.jsonl') });
  await acknowledgedAtLeast(load, 20);
  const { clients, failedRequests } = await load.stop();
  expect(clients.map(({ firstNumber }) => firstNumber)).toEqual(before.map(({ last }) => last + 1));
  expect(failedRequests).toBe(0);
  for (const { count, last } of await query<{ count: number; last: number }>(perClient)) expect(count).toBe(last);
});

test('clients whose server goes away count a failure each and neither retry nor reconnect', async () => {
  const load = await startLoad({ ...address(), file: join(dir, 'third.jsonl') });
  await acknowledgedAtLeast(load, 20);
  await machine.kill();
  const ask = async () => (load.snapshot().failedRequests === 4 ? true : undefined);
  await waitFor(ask, {
    limitMs: 60_000,
    what: 'four failures',
    otherwise: async () => JSON.stringify(load.snapshot()),
  });
  const stopped = await load.stop();
  for (const { failure, sent, acknowledged } of stopped.clients) {
    expect(failure).toMatch(/terminated|reset|EPIPE|closed/i);
    expect(sent - acknowledged).toBeLessThanOrEqual(1);
  }
});
