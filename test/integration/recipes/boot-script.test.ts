import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FileReader } from '../../../src/disk/file-reader.ts';
import { openMachineFiles } from '../../../src/disk/machine-files.ts';
import { readFileSystems } from '../../../src/disk/read-file-systems.ts';
import { readConsole } from '../../../src/recipes/boot/console.ts';
import { assembleBootMedia } from '../../../src/recipes/boot/media.ts';
import { readBootReport } from '../../../src/recipes/boot/report.ts';
import { judgeConsistency } from '../../../src/recipes/consistency.ts';
import { findRecipe } from '../../../src/recipes/registry.ts';
import { openFileByteSource } from '../../support/file-byte-source.ts';
import { copyGuestDisks, guestImage } from '../../support/guest-image.ts';
import { type GuestMachine, startGuestMachine } from '../../support/guest-machine.ts';
import { startMetadataResponder } from '../../support/metadata-responder.ts';

const RUN = '20261123T023107Z-9f2c01ab';
const NEVER = new AbortController().signal;
const SCRATCH_BYTES = 8 << 20;

const RECIPES = [
  { name: 'postgresql', params: { probeQueries: { answer: "select 41 + 1, 'unused'" } } },
  { name: 'redis', params: { socket: '/run/redis/redis.sock' } },
];

async function cleanFact(name: string, params: unknown, files: FileReader) {
  const recipe = findRecipe(name);
  return recipe.cleanFact?.(files, recipe.params.parse(params), NEVER);
}

let disks: Awaited<ReturnType<typeof copyGuestDisks>>;
let scratch: string;
let machine: GuestMachine;
let responder: Awaited<ReturnType<typeof startMetadataResponder>>;

beforeAll(async () => {
  const guest = await guestImage();
  disks = await copyGuestDisks(guest);
  const media = await assembleBootMedia({
    runId: RUN,
    role: 'verify',
    recipes: RECIPES,
    recoverMs: 90_000,
    stopMs: 60_000,
  });
  scratch = join(disks.dir, 'scratch.img');
  await writeFile(scratch, media.scratch);
  const file = await open(scratch, 'r+');
  await file.truncate(SCRATCH_BYTES);
  await file.close();
  responder = await startMetadataResponder('i-0123456789abcdef0', new TextDecoder().decode(media.userData));
  machine = await startGuestMachine({
    dir: disks.dir,
    name: 'boot',
    disks: [disks.root, disks.data, scratch],
    busybox: guest.busybox,
    metadataPort: responder.port,
  });
  await machine.poweredOff(160_000);
});

afterAll(async () => {
  await machine?.kill();
  responder?.stop();
  if (disks) await rm(disks.dir, { recursive: true, force: true });
});

test('a machine given the boot media asks its applications, reports on the scratch disk and powers itself off', async () => {
  const source = await openFileByteSource(scratch);
  const report = await readBootReport(source, RUN, NEVER);
  await source.close();
  expect(report.finished).toBe(true);
  expect(report.bootId).toMatch(/^[0-9a-f-]{36}$/);
  const answered = report.answers.map(({ recipe, step, ok }) => `${recipe} ${step} ${ok}`);
  expect(answered, JSON.stringify(report.answers)).toEqual([
    'postgresql detect true',
    'postgresql probe true',
    'postgresql recovered true',
    'redis detect true',
    'redis probe true',
    'redis recovered true',
  ]);
  const probe = report.answers.find(({ recipe, step }) => recipe === 'postgresql' && step === 'probe');
  expect(probe?.facts).toMatchObject({ answer: '42' });
});

test('the console shows the progress in order', async () => {
  const { progress, fact } = readConsole(Buffer.from(await machine.console(), 'latin1'), RUN);
  expect(progress.map(({ step, recipe = '' }) => `${step} ${recipe}`.trim())).toEqual([
    'started',
    'detected postgresql',
    'detected redis',
    'recovered postgresql',
    'recovered redis',
    'probed postgresql',
    'probed redis',
    'reported',
    'powering-off',
  ]);
  expect(fact).toEqual({ name: 'console', verdict: 'clean', found: expect.stringMatching(/nothing on the console/) });
});

test('the disks of an orderly power-off are judged clean-shutdown by their own flags and files', async () => {
  const [root, data, report] = await Promise.all([disks.root, disks.data, scratch].map(openFileByteSource));
  if (!root || !data || !report) throw new Error('three disks were opened');
  const fileSystems = [
    ...(await readFileSystems('vol-root', root, NEVER)),
    ...(await readFileSystems('vol-data', data, NEVER)),
  ];
  const files = await openMachineFiles(
    [
      { volumeId: 'vol-root', source: root },
      { volumeId: 'vol-data', source: data },
    ],
    NEVER,
  );
  const facts = await Promise.all(
    RECIPES.map(async ({ name, params }) => [name, await cleanFact(name, params, files)] as const),
  );
  const verdict = judgeConsistency({
    observation: { state: 'stopped', reasonCode: 'Client.InstanceInitiatedShutdown' },
    stoppedByUs: false,
    fileSystems,
    console: readConsole(Buffer.from(await machine.console(), 'latin1'), RUN).fact,
    cleanFacts: Object.fromEntries(facts.flatMap(([name, fact]) => (fact ? [[name, fact]] : []))),
    bootReport: await readBootReport(report, RUN, NEVER),
  });
  await Promise.all([root, data, report].map((source) => source.close()));
  expect(verdict, JSON.stringify(verdict.facts, null, 1)).toMatchObject({ disks: 'clean-shutdown', lowered: [] });
  expect(verdict.facts.find(({ name }) => name === 'postgresql clean')?.found).toMatch(/shut down/);
});
