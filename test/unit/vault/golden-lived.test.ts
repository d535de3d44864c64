import { execFile } from 'node:child_process';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createFileStore } from '../../../src/vault/file/file-store.ts';
import {
  listHolds,
  listPlans,
  listPoints,
  openKeyService,
  openVault,
  openVolume,
  standingAttestation,
  verifyVault,
} from '../../../src/vault/index.ts';
import { differencesFrom } from '../../golden/v1/content.ts';
import { contentOf, FIRST, GC_ID, SECOND, THIRD, VOLUME } from '../../golden/v1-lived/content.ts';
import { fixedClock, NEVER, temporaryFolder } from '../../support/vault-fixture.ts';
import { seededBytes } from '../../support/vault-random.ts';

// Python hashes 12 GiB of mostly holes.
vi.setConfig({ testTimeout: 300_000 });

const GOLDEN = fileURLToPath(new URL('../../golden/v1-lived/', import.meta.url));
const READER = fileURLToPath(new URL('../../golden/v1/read_vault.py', import.meta.url));
const IMAGES: Record<string, Record<string, string>> = JSON.parse(await readFile(join(GOLDEN, 'volumes.json'), 'utf8'));

type KeyName = 'key' | 'identity';

async function openGolden(keyName: KeyName, folder = join(GOLDEN, 'vault')) {
  const name = `${keyName === 'key' ? 'file' : 'age'}://${pathToFileURL(join(GOLDEN, keyName)).pathname}`;
  const keys = openKeyService(name, { randomBytes: seededBytes('unused') });
  const store = createFileStore(folder);
  const request = { store, keys, clock: fixedClock, randomBytes: seededBytes(''), signal: NEVER };
  const vault = await openVault({ ...request, roles: ['data', 'meta'] });
  onTestFinished(() => vault.close());
  return vault;
}

test.each(['key', 'identity'] as const)(
  'every point of the lived vault is read with its %s, over both epochs',
  async (keyName) => {
    const vault = await openGolden(keyName);
    for (const pointId of [FIRST, SECOND, THIRD]) {
      const archived = await openVolume({ vault, pointId, volumeId: VOLUME, signal: NEVER });
      expect(await differencesFrom(contentOf(pointId), archived), pointId).toEqual([]);
    }
  },
);

test('what the lived vault went through is read as on the day it was made', async () => {
  const vault = await openGolden('key');
  expect(vault.epoch).toBe(2);
  const states = [];
  for await (const point of listPoints({ vault, signal: NEVER })) {
    states.push([point.pointId, point.state, point.state === 'committed' ? (point.expired?.reason ?? 'stays') : '']);
  }
  expect(states).toEqual([
    [FIRST, 'committed', 'no rule of the retention policy keeps it'],
    [SECOND, 'committed', 'stays'],
    [THIRD, 'committed', 'stays'],
    ['20260201T040000Z-601d00de', 'abandoned', ''],
    ['20260201T050000Z-601d00ab', 'abandoned', ''],
  ]);
  expect([...(await listHolds({ vault, signal: NEVER })).keys()]).toEqual([SECOND]);
  expect((await standingAttestation({ vault, pointId: THIRD, signal: NEVER }))?.verdict).toBe('passed');
  expect((await listPlans(vault, NEVER)).map(({ gcId }) => gcId)).toEqual([GC_ID]);
});

test('the lived vault is sound to its last byte, and takes the next check', async () => {
  const folder = await temporaryFolder();
  await cp(join(GOLDEN, 'vault'), folder, { recursive: true });
  const vault = await openGolden('identity', folder);
  const verdict = await verifyVault({ vault, level: 'full', signal: NEVER });
  // Of the first point's two packs both are still named by the others.
  expect(verdict).toMatchObject({ verdict: 'sound', packs: 4, packsRead: 4, damage: 0, notices: 0, remembered: true });
});

test('the independent reader rebuilds the same images with the offline identity', async () => {
  const { stdout } = await promisify(execFile)('python3', [READER, join(GOLDEN, 'vault'), join(GOLDEN, 'identity')]);
  const found = JSON.parse(stdout);
  expect(found.points).toEqual(IMAGES);
  expect(found).toMatchObject({ expired: [FIRST], held: [SECOND], plans: { [GC_ID]: 14 }, checks: 1 });
});
