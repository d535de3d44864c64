import { expect, test, vi } from 'vitest';
import { BLOCK_BYTES } from '../../../src/vault/block-source.ts';
import { openVolume, readPoint } from '../../../src/vault/index.ts';
import type { Vault } from '../../../src/vault/vault.ts';
import { dyingStore } from '../../support/vault-faulty-store.ts';
import { backUp, NEVER, RUN_ID, testKeys, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { noise, testVolume, text } from '../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 120_000 });

const volume = () =>
  testVolume(
    8192 + 2,
    new Map([
      [0, text('a')],
      [7, noise(1)],
      [8193, text('b')],
    ]),
  );

async function expectByteExact(vault: Vault): Promise<void> {
  const { written, volumeBytes } = volume();
  const archived = await openVolume({ vault, pointId: RUN_ID, volumeId: 'vol-1', signal: NEVER });
  const found = new Map<number, Uint8Array>();
  for await (const { index, bytes } of archived.blocks({ from: 0, to: volumeBytes / BLOCK_BYTES }, NEVER))
    found.set(index, bytes);
  expect([...found.keys()]).toEqual([...written.keys()]);
  for (const [index, bytes] of written) expect(Buffer.compare(found.get(index) ?? new Uint8Array(), bytes)).toBe(0);
}

// keys, vault, session, 2 × (pack, segment, record), map, commit, catalog; the last row dies nowhere.
const WRITES = 12;

test.each([{ stored: false }, { stored: true }])(
  'whichever write a crash hits (stored: $stored), there is a whole point or none, and running again finishes',
  async ({ stored }) => {
    const keys = await testKeys();
    for (let dieAt = 1; dieAt <= WRITES + 1; dieAt++) {
      const objects = memoryStore();
      const store = dyingStore(objects, { dieAt, stored });
      const attempt = testVault({ store, keys }).then((vault) => backUp(vault, { 'vol-1': volume() }));
      const died = await attempt.then(
        () => false,
        (error: unknown) => String(error).includes('died at create'),
      );
      expect(died, `create ${dieAt}`).toBe(dieAt <= WRITES);
      const vault = await testVault({ store: objects, keys, seed: `after ${dieAt}` });
      const point = await readPoint({ vault, pointId: RUN_ID, signal: NEVER }).catch(() => undefined);
      expect(point !== undefined, `a point after create ${dieAt}`).toBe(dieAt > (stored ? 10 : 11));
      if (point) await expectByteExact(vault);
      const manifest = await backUp(vault, { 'vol-1': volume() });
      if (point) expect(manifest).toEqual(point);
      await expectByteExact(vault);
    }
  },
);
