import { createHash } from 'node:crypto';
import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assembleBootMedia } from '../../../src/recipes/boot/media.ts';
import { type BootResults, readBootReport } from '../../../src/recipes/boot/report.ts';
import { openFileByteSource } from '../../support/file-byte-source.ts';
import { copyGuestDisks, guestImage } from '../../support/guest-image.ts';
import { type GuestMachine, startGuestMachine } from '../../support/guest-machine.ts';
import { startMetadataResponder } from '../../support/metadata-responder.ts';

const RUN = '20261123T023107Z-9f2c01ab';
const NEVER = new AbortController().signal;
const GIB = 2 ** 30;

let disks: Awaited<ReturnType<typeof copyGuestDisks>>;
let machine: GuestMachine;
let responder: Awaited<ReturnType<typeof startMetadataResponder>>;
let results: BootResults;
let dump: Buffer;

beforeAll(async () => {
  const guest = await guestImage();
  disks = await copyGuestDisks(guest);
  const media = await assembleBootMedia({
    runId: RUN,
    role: 'verify',
    recipes: [{ name: 'postgresql', params: {} }],
    recoverMs: 90_000,
    stopMs: 60_000,
    extract: {
      recipe: 'postgresql',
      request: { database: 'bank', table: 'accounts' },
      extractMs: 60_000,
      region: { fromGiB: 1, giB: 1 },
    },
  });
  const scratch = join(disks.dir, 'scratch.img');
  await writeFile(scratch, media.scratch);
  const file = await open(scratch, 'r+');
  await file.truncate(2 * GIB);
  responder = await startMetadataResponder('i-0123456789abcdef0', new TextDecoder().decode(media.userData));
  machine = await startGuestMachine({
    dir: disks.dir,
    name: 'extract',
    disks: [disks.root, disks.data, scratch],
    busybox: guest.busybox,
    metadataPort: responder.port,
  });
  await machine.poweredOff(160_000);
  const source = await openFileByteSource(scratch);
  results = await readBootReport(source, RUN, NEVER);
  const record = new TextDecoder().decode(results.files.get('extract/record'));
  dump = Buffer.alloc(Number(/^bytes (\d+)$/m.exec(record)?.[1] ?? 0));
  await file.read(dump, 0, dump.length, GIB);
  await file.close();
  await source.close();
}, 240_000);

afterAll(async () => {
  await machine?.kill();
  responder?.stop();
  if (disks) await rm(disks.dir, { recursive: true, force: true });
});

test('a table comes out of a database that was started from its disks, and its digest was taken on the way', () => {
  const answer = results.answers.find(({ step }) => step === 'extract');
  expect(answer, JSON.stringify(results.answers)).toMatchObject({
    ok: true,
    facts: { table: 'public.accounts', format: 'sql' },
  });
  const record = new TextDecoder().decode(results.files.get('extract/record'));
  expect(record).toContain(createHash('sha256').update(dump).digest('hex'));
  const copied = /^COPY public\.accounts .* FROM stdin;\n([\s\S]*?)\n\\\.$/m.exec(dump.toString())?.[1] ?? '';
  expect(answer?.facts.rows).toBe(copied.split('\n').length);
  expect(dump.toString()).toContain('CREATE TABLE public.accounts');
});

test('nothing else is asked of the application then', () => {
  expect(results.answers.map(({ step }) => step).sort()).toEqual(['detect', 'extract', 'recovered']);
});
