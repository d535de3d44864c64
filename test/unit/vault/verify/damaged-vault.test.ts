import { cp, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test, vi } from 'vitest';
import { POINT_ID, VERIFY_RUN_ID } from '../../../golden/v1/content.ts';
import { runVaultCli } from '../../../support/cli-run.ts';
import { backUp, RUN_ID, temporaryFolder, testKeys, testVault } from '../../../support/vault-fixture.ts';
import { memoryStore } from '../../../support/vault-memory-store.ts';
import { testVolume } from '../../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const GOLDEN = fileURLToPath(new URL('../../../golden/', import.meta.url));
const KEY = join(GOLDEN, 'v1/key');
const RUN = `runs/${POINT_ID}`;
// The golden vault never changes, so its objects may be named.
const PACK_OF_THREE = `${RUN}/packs/b47799a67b2dbce574f217438aa970fde539406e737533205c8fb53fc8d9da53.pack`;
const PACK_OF_ONE = `${RUN}/packs/3cee1bdd9fafd0d2980831effdb05f42f357ebb29d8ad9213bf854a0bd7d7be2.pack`;
const POINT = `points/${POINT_ID}.json`;
const CATALOG = `catalog/i-0cccccccccccccccc/20260101T000000Z-${POINT_ID}.json`;
const CHANGES = `${RUN}/changes/vol-0aaaaaaaaaaaaaaaa.chg`;

type Damage = (folder: string) => Promise<unknown>;

const gone =
  (key: string): Damage =>
  (folder) =>
    rm(join(folder, key));
const cut =
  (key: string, bytes: number): Damage =>
  (folder) =>
    truncate(join(folder, key), bytes);
const changed =
  (key: string, change: (bytes: Buffer) => Uint8Array): Damage =>
  async (folder) => {
    const path = join(folder, key);
    await writeFile(path, change(await readFile(path)));
  };
/** A negative offset counts from the end. */
const flipped = (key: string, offset: number): Damage =>
  changed(key, (bytes) => {
    const at = offset < 0 ? bytes.length + offset : offset;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  });
const reworded = (key: string, from: string, to: string): Damage =>
  changed(key, (bytes) => Buffer.from(bytes.toString('utf8').replace(from, to)));
const copied =
  (from: string, to: string): Damage =>
  async (folder) => {
    await mkdir(dirname(join(folder, to)), { recursive: true });
    await cp(join(folder, from), join(folder, to));
  };

const swappedSegments: Damage = async (folder) => {
  const [first = '', second = ''] = (await readdir(join(folder, RUN, 'segments'))).sort();
  const path = (name: string) => join(folder, RUN, 'segments', name);
  await rename(path(first), join(folder, 'third'));
  await rename(path(second), path(first));
  await rename(join(folder, 'third'), path(second));
};

const firstOf =
  (place: string, damage: (key: string) => Damage): Damage =>
  async (folder) => {
    const [first = ''] = (await readdir(join(folder, place))).sort();
    await damage(`${place}/${first}`)(folder);
  };

/** A whole point of another vault, put where a point of this one would stand. */
const foreignPoint: Damage = async (folder) => {
  const store = memoryStore();
  await backUp(await testVault({ store, keys: await testKeys(), seed: 'foreign' }), {
    'vol-1': testVolume(2, new Map()),
  });
  for (const [key, bytes] of store.objects) {
    if (!key.includes(RUN_ID)) continue;
    await mkdir(dirname(join(folder, key)), { recursive: true });
    await writeFile(join(folder, key), bytes);
  }
};

const both =
  (...damages: readonly Damage[]): Damage =>
  async (folder) => {
    for (const damage of damages) await damage(folder);
  };

interface Case {
  readonly what: string;
  readonly level: 'structure' | 'sample' | 'full';
  readonly damage: Damage;
  readonly exitCode?: number;
}

const CASES: readonly Case[] = [
  { what: 'sound-structure', level: 'structure', damage: async () => {}, exitCode: 0 },
  { what: 'sound-sample', level: 'sample', damage: async () => {}, exitCode: 0 },
  { what: 'sound-full', level: 'full', damage: async () => {}, exitCode: 0 },
  { what: 'missing-pack', level: 'structure', damage: gone(PACK_OF_THREE) },
  { what: 'missing-pack-full', level: 'full', damage: gone(PACK_OF_THREE) },
  { what: 'truncated-pack', level: 'structure', damage: cut(PACK_OF_THREE, 1000) },
  { what: 'truncated-pack-full', level: 'full', damage: cut(PACK_OF_THREE, 1000) },
  { what: 'flipped-bit-in-block', level: 'full', damage: flipped(PACK_OF_THREE, 5000) },
  { what: 'flipped-bit-in-block-sample', level: 'sample', damage: flipped(PACK_OF_ONE, 40) },
  { what: 'flipped-bit-in-block-structure', level: 'structure', damage: flipped(PACK_OF_ONE, 40), exitCode: 0 },
  { what: 'flipped-bit-in-trailer', level: 'full', damage: flipped(PACK_OF_THREE, -60) },
  { what: 'flipped-bit-in-trailer-sample', level: 'sample', damage: flipped(PACK_OF_THREE, -60) },
  { what: 'flipped-bit-in-tail', level: 'full', damage: flipped(PACK_OF_THREE, -1) },
  { what: 'flipped-bit-in-tail-sample', level: 'sample', damage: flipped(PACK_OF_THREE, -24) },
  {
    what: 'packs-exchanged',
    level: 'full',
    damage: both(
      copied(PACK_OF_ONE, 'keep'),
      copied(PACK_OF_THREE, PACK_OF_ONE),
      copied('keep', PACK_OF_THREE),
      gone('keep'),
    ),
  },
  { what: 'swapped-segments', level: 'structure', damage: swappedSegments },
  { what: 'missing-segment', level: 'full', damage: firstOf(`${RUN}/segments`, gone) },
  {
    what: 'flipped-bit-in-segment',
    level: 'structure',
    damage: firstOf(`${RUN}/segments`, (key) => flipped(key, 100)),
  },
  { what: 'missing-map', level: 'structure', damage: firstOf(`${RUN}/maps`, gone) },
  { what: 'flipped-bit-in-map', level: 'full', damage: firstOf(`${RUN}/maps`, (key) => flipped(key, 50)) },
  { what: 'forged-manifest', level: 'structure', damage: reworded(POINT, 'golden machine', 'Golden machine') },
  { what: 'foreign-point', level: 'structure', damage: foreignPoint },
  {
    what: 'forged-tombstone',
    level: 'structure',
    damage: copied(CATALOG, `tombstones/${POINT_ID}.json`),
    exitCode: 0,
  },
  {
    what: 'forged-attestation',
    level: 'structure',
    damage: reworded(`attestations/${POINT_ID}/${VERIFY_RUN_ID}.json`, 'passed', 'failed'),
    exitCode: 0,
  },
  { what: 'missing-session', level: 'structure', damage: gone(`${RUN}/session.json`) },
  { what: 'missing-catalog-line', level: 'structure', damage: gone(CATALOG), exitCode: 0 },
  {
    what: 'wrong-catalog-line',
    level: 'structure',
    damage: reworded(CATALOG, 'golden machine', 'other machine'),
    exitCode: 0,
  },
  { what: 'missing-evidence', level: 'structure', damage: gone(`${RUN}/evidence/console.txt`) },
  { what: 'flipped-bit-in-evidence', level: 'full', damage: flipped(`${RUN}/evidence/console.txt`, 60) },
  { what: 'truncated-change-set', level: 'structure', damage: cut(CHANGES, 40) },
  { what: 'flipped-bit-in-change-set', level: 'full', damage: flipped(CHANGES, 60) },
  {
    what: 'two-packs-and-a-map',
    level: 'full',
    damage: both(gone(PACK_OF_ONE), flipped(PACK_OF_THREE, 5000), gone(`${RUN}/session.json`)),
  },
  { what: 'damaged-vault-json', level: 'structure', damage: reworded('vault.json', '"2026', '"2027'), exitCode: 1 },
  { what: 'missing-vault-json', level: 'structure', damage: gone('vault.json'), exitCode: 1 },
  { what: 'damaged-keys', level: 'structure', damage: reworded('keys/1.json', '"2026', '"2027'), exitCode: 1 },
  { what: 'missing-keys', level: 'structure', damage: gone('keys/1.json'), exitCode: 1 },
  {
    what: 'newer-format',
    level: 'structure',
    damage: reworded('vault.json', '"formatVersion": 1', '"formatVersion": 2'),
    exitCode: 1,
  },
];

test.each(CASES)(
  '$what: verify --level $level says what is damaged, who suffers and what remains',
  async ({ what, level, damage, exitCode = 4 }) => {
    const folder = await temporaryFolder();
    await cp(join(GOLDEN, 'v1/vault'), folder, { recursive: true });
    await damage(folder);
    const url = pathToFileURL(folder).href;
    const run = await runVaultCli('vault', 'verify', url, '--key-file', KEY, '--level', level);
    const told = `$ understudy vault verify <vault> --level ${level}\n${run.stdout}${run.stderr}exit ${run.exitCode}\n`;
    expect(run.exitCode, told).toBe(exitCode);
    // Which blocks a sample draws, and so how long they are, differs each time.
    const drawn = level === 'sample' ? told.replace(/opened \([^)]*\)/, 'opened (as drawn)') : told;
    await expect(drawn.replaceAll(url, '<vault>').replaceAll(folder, '<folder>')).toMatchFileSnapshot(
      join(GOLDEN, `damaged/${what}.txt`),
    );
  },
);

test('the page for people shows what the command says', async () => {
  const page = await readFile(
    fileURLToPath(new URL('../../../../docs/operations/checking.md', import.meta.url)),
    'utf8',
  );
  expect(page).toContain(await readFile(join(GOLDEN, 'damaged/missing-pack.txt'), 'utf8'));
  expect(page).toContain(`recorded answer to ${CASES.length} kinds of damage`);
});
