import { execFile } from 'node:child_process';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createFileKeyService } from '../../../src/vault/file/file-keys.ts';
import { createFileStore } from '../../../src/vault/file/file-store.ts';
import {
  listPoints,
  openVault,
  openVolume,
  readChangeSet,
  readEvidence,
  standingAttestation,
} from '../../../src/vault/index.ts';
import { differencesFrom, goldenVolumes, POINT_ID } from '../../golden/v1/content.ts';
import { fixedClock, NEVER, temporaryFolder } from '../../support/vault-fixture.ts';
import { seededBytes } from '../../support/vault-random.ts';

// Python hashes 4 GiB of mostly holes: seconds alone, more beside a machine that boots.
vi.setConfig({ testTimeout: 180_000 });

const GOLDEN = fileURLToPath(new URL('../../golden/v1/', import.meta.url));
const VOLUMES: Record<string, string> = JSON.parse(await readFile(join(GOLDEN, 'volumes.json'), 'utf8'));
const run = promisify(execFile);

async function openGolden() {
  const keys = createFileKeyService(join(GOLDEN, 'key'), seededBytes('unused'));
  const store = createFileStore(join(GOLDEN, 'vault'));
  const vault = await openVault({
    store,
    keys,
    roles: ['data', 'meta'],
    clock: fixedClock,
    randomBytes: seededBytes(''),
    signal: NEVER,
  });
  onTestFinished(() => vault.close());
  return vault;
}

test('the golden vault reads as on the day it was made: points, fence, evidence, changes, attestation', async () => {
  const vault = await openGolden();
  const states = [];
  for await (const point of listPoints({ vault, signal: NEVER })) states.push([point.pointId, point.state]);
  expect(states).toEqual([
    [POINT_ID, 'committed'],
    ['20260102T030405Z-0000dead', 'abandoned'],
  ]);
  const { bytes } = await readEvidence({ vault, ref: { runId: POINT_ID, name: 'console.txt' }, signal: NEVER });
  expect(new TextDecoder().decode(bytes)).toMatch(/^\[ {4}0\.000000\] Linux version 6\.1\n/);
  const changes = await readChangeSet({ vault, runId: POINT_ID, volumeId: 'vol-0aaaaaaaaaaaaaaaa', signal: NEVER });
  expect([...changes.indexes()]).toEqual([0, 3, 8193]);
  expect((await standingAttestation({ vault, pointId: POINT_ID, signal: NEVER }))?.verdict).toBe('passed');
});

test.each([...goldenVolumes()])(
  'volume %s of the golden vault has the bytes it was made of',
  async (volumeId, made) => {
    const vault = await openGolden();
    const archived = await openVolume({ vault, pointId: POINT_ID, volumeId, signal: NEVER });
    expect(await differencesFrom(made, archived)).toEqual([]);
  },
);

test('a reader that shares no code with src/vault rebuilds the same volumes', async () => {
  const { stdout } = await run('python3', [join(GOLDEN, 'read_vault.py'), join(GOLDEN, 'vault'), join(GOLDEN, 'key')]);
  expect(JSON.parse(stdout).points).toEqual({ [POINT_ID]: VOLUMES });
});

test('the independent reader proves what it reads: a manifest with one changed letter is refused', async () => {
  const folder = await temporaryFolder();
  await cp(join(GOLDEN, 'vault'), folder, { recursive: true });
  const [name] = (await readdir(join(folder, 'points'))).sort();
  const path = join(folder, 'points', name ?? '');
  await writeFile(path, (await readFile(path, 'utf8')).replace('golden machine', 'Golden machine'));
  const reading = run('python3', [join(GOLDEN, 'read_vault.py'), folder, join(GOLDEN, 'key')]);
  await expect(reading).rejects.toThrow(/damaged: points\/.*: mac/);
});
