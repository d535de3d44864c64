import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GuestImage } from '../../../../local/guest/build.mjs';
import { type Ledger, startLedger } from '../../../../local/production/ledger.ts';
import { copyGuestDisks, guestImage } from '../../../support/guest-image.ts';
import { type GuestMachine, startGuestMachine } from '../../../support/guest-machine.ts';
import { type MetadataResponder, startMetadataResponder } from '../../../support/metadata-responder.ts';
import { waitFor } from '../../../support/wait-for.ts';

const execute = promisify(execFile);

const USER_DATA = [
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="part"',
  '',
  '--part',
  'Content-Type: text/cloud-config',
  '',
  'preserve_hostname: true',
  '--part',
  'Content-Type: text/x-shellscript; charset="utf-8"',
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from(
    [
      '#!/bin/sh',
      'echo "PROBE ran $(cat /run/instance-id)" >/dev/console',
      'cd /sys/devices/system',
      'echo "PROBE clock $(cat clocksource/clocksource0/current_clocksource)" >/dev/console',
      'echo "PROBE timer $(cat clockevents/clockevent0/current_device clockevents/broadcast/current_device)" >/dev/console',
      '',
    ].join('\n'),
  ).toString('base64'),
  '--part--',
  '',
].join('\n');

let guest: GuestImage;
let disks: { dir: string; root: string; data: string };
let metadata: MetadataResponder;
let ledger: Ledger;
let machine: GuestMachine | undefined;

/** One machine's life on the same disks; `name` tells the consoles apart. */
async function boot(name: string): Promise<GuestMachine> {
  machine = await startGuestMachine({
    ...{ dir: disks.dir, name, disks: [disks.root, disks.data], busybox: guest.busybox },
    ...{ metadataPort: metadata.port, ledgerPort: ledger.port, openPorts: [5432, 6379] },
  });
  return machine;
}

beforeAll(async () => {
  guest = await guestImage();
  disks = await copyGuestDisks(guest);
  metadata = await startMetadataResponder('i-0aaaaaaaaaaaaaaa1', USER_DATA);
  ledger = await startLedger({ port: 0, file: join(disks.dir, 'ledger.jsonl') });
});

afterAll(async () => {
  await machine?.kill();
  metadata?.stop();
  await ledger?.stop();
  if (disks) await rm(disks.dir, { recursive: true });
});

test('a machine that boots from its own disk answers with both applications, runs its user data and reaches the ledger', async () => {
  const first = await boot('first');
  const rows = await waitFor(() => askBank(first), {
    limitMs: 90_000,
    what: 'PostgreSQL answers',
    otherwise: first.console,
  });
  expect(rows).toEqual([{ count: '10000', sum: '10000000' }]);
  expect(await askRedis(first, 'set greeting hello')).toBe('+OK');
  await first.consoleShows(/PROBE ran i-0aaaaaaaaaaaaaaa1/);
  // Frequencies that are the same everywhere, and not measured on a busy host.
  await first.consoleShows(/PROBE clock acpi_pm/);
  await first.consoleShows(/PROBE timer pit/);
  await first.consoleShows(/user data: part 001 \(text\/cloud-config\): not a script; left out/);
  const posts = await waitFor(
    async () => ledger.contacts().find(({ instanceId }) => instanceId === metadata.instanceId),
    {
      ...{ limitMs: 20_000, what: 'a post with the instance id', otherwise: first.console },
    },
  );
  expect(posts.bootId).toMatch(/^[0-9a-f]{8}-/);
});

test('the power button ends it in order: applications stopped, both file systems clean', async () => {
  const running = machine as GuestMachine;
  await running.consoleShows(/ended with 0/);
  await running.pressPowerButton();
  await running.poweredOff();
  const said = await running.console();
  expect(said).toMatch(/All filesystems unmounted\.[\s\S]*reboot: Power down/);
  expect(said).not.toMatch(/WARNING|Killing|busy/);
  expect(await journalPending(`${disks.root}?offset=1048576`)).toBe(false);
  expect(await journalPending(disks.data)).toBe(false);
  expect(await clusterState()).toBe('shut down');
  expect(
    await fileIn(`${disks.root}?offset=1048576`, '/var/lib/redis/appendonlydir/appendonly.aof.1.incr.aof'),
  ).toMatch(/greeting\r\n\$5\r\nhello\r\n$/);
});

test('user data runs once per instance id, and another id makes it run again', async () => {
  const again = await boot('again');
  await again.consoleShows(/user data: already run for i-0aaaaaaaaaaaaaaa1/);
  expect(await again.console()).not.toMatch(/PROBE/);
  await again.kill();
  metadata.instanceId = 'i-0bbbbbbbbbbbbbbb2';
  const other = await boot('other');
  await other.consoleShows(/PROBE ran i-0bbbbbbbbbbbbbbb2/);
  await other.consoleShows(/ended with 0/);
  await other.kill();
});

test('a file system that stays busy is named, and the end is not called clean', async () => {
  metadata.instanceId = 'i-0ddddddddddddddd4';
  metadata.userData = '#!/bin/sh\nd=/var/lib/postgresql/busy; mkdir $d; mount -t tmpfs none $d; poweroff\n';
  const busy = await boot('busy');
  await busy.poweredOff();
  const said = await busy.console();
  expect(said).toMatch(/WARNING: \/var\/lib\/postgresql: target is busy/);
  expect(said).not.toMatch(/All filesystems unmounted/);
});

test('a database that no longer answers is killed at shutdown, and the console says so', async () => {
  metadata.instanceId = 'i-0ccccccccccccccc3';
  metadata.userData =
    '#!/bin/sh\nuntil su postgres -c pg_isready; do sleep 0.2; done\nkillall -STOP postgres\npoweroff\n';
  const stopped = await boot('stopped');
  await stopped.poweredOff(120_000);
  expect(await stopped.console()).toMatch(
    /WARNING: postgres \(\d+\) did not stop in time[\s\S]*Killing postgres \(\d+\)/,
  );
  expect(await clusterState()).not.toBe('shut down');
});

async function askBank(running: GuestMachine): Promise<unknown[] | undefined> {
  const address = { host: '127.0.0.1', port: running.hostPort(5432), user: 'app', database: 'bank' };
  const client = new pg.Client({ ...address, connectionTimeoutMillis: 2000 });
  client.on('error', () => {}); // the emulated network accepts before the guest listens, then cuts the line
  try {
    await client.connect();
    return (await client.query('select count(*), sum(balance) from accounts')).rows;
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => {});
  }
}

function askRedis(running: GuestMachine, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(running.hostPort(6379), '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.setTimeout(10_000, () => socket.destroy(new Error('Redis does not answer')));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().trim());
    });
    socket.once('error', reject);
  });
}

/** ext4 keeps this mark while its journal has to be replayed. */
async function journalPending(image: string): Promise<boolean> {
  const { stdout } = await execute('dumpe2fs', ['-h', image]);
  expect(stdout).toMatch(/^Filesystem state: +clean$/m);
  return /^Filesystem features:.* needs_recovery/m.test(stdout);
}

/** pg_control read off the data disk: the state is the uint32 at offset 16 (PostgreSQL 13 to 18). */
async function clusterState(): Promise<string> {
  const target = join(disks.dir, 'pg_control');
  await execute('debugfs', ['-R', `dump /${guest.postgresqlMajor}/main/global/pg_control ${target}`, disks.data]);
  const state = (await readFile(target)).readUInt32LE(16);
  return ['starting up', 'shut down', 'shut down in recovery', 'shutting down'][state] ?? `state ${state}`;
}

async function fileIn(image: string, path: string): Promise<string> {
  return (await execute('debugfs', ['-R', `cat ${path}`, image], { encoding: 'latin1' })).stdout;
}
