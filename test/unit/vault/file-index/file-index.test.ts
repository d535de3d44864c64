import { expect, test } from 'vitest';
import { FormatError } from '../../../../src/errors.ts';
import { decodeFileIndex } from '../../../../src/vault/file-index/file-index.ts';
import { decodeIndexPage, pageText } from '../../../../src/vault/file-index/index-page.ts';
import { packText } from '../../../../src/vault/file-index/packed-text.ts';
import {
  type FileIndex,
  type FileRecord,
  findFileIndex,
  findIndexedFile,
  findParentIndex,
  readIndexedFiles,
  rotateKeys,
  type Vault,
  writeFileIndex,
} from '../../../../src/vault/index.ts';
import { type CollectedVault, collectedVault, judgements, P0, P1, P2 } from '../../../support/collection.ts';
import { NEVER } from '../../../support/vault-fixture.ts';

const GC_OF = (digit: string) => `20261124T040000Z-000000a${digit}`;

/** As a walk gives them: folders before what they hold, names by their bytes. */
function files(count: number, changes: Readonly<Record<number, Partial<FileRecord>>> = {}): FileRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    path: `/srv/file-${String(n).padStart(6, '0')}`,
    kind: 'file' as const,
    bytes: n,
    mode: 0o644,
    uid: 1000,
    gid: 1000,
    modifiedAt: '2026-11-23T02:31:07.412345678Z',
    changedAt: '2026-11-23T02:31:07.412345678Z',
    inode: String(n),
    links: 1,
    ...changes[n],
  }));
}

async function* each(records: readonly FileRecord[]): AsyncIterable<FileRecord> {
  yield* records;
}

const found = () => ({ notes: ['note'], unreadable: [{ path: '/mnt', reason: 'it is xfs' }] });

function write(vault: Vault, pointId: string, records: readonly FileRecord[], parent?: FileIndex) {
  const facts = { objects: [], digests: false, toolVersion: 'test', signal: NEVER };
  return writeFileIndex({ vault, pointId, records: each(records), found, parent, ...facts });
}

async function readAll(vault: Vault, pointId: string): Promise<readonly FileRecord[]> {
  const index = await findFileIndex({ vault, pointId, signal: NEVER });
  if (!index) throw new Error('no index');
  const records: FileRecord[] = [];
  for await (const record of readIndexedFiles({ vault, index, signal: NEVER })) records.push(record);
  return records;
}

test('an index gives back every file, one path costs one page, and no name stands in the bucket', async () => {
  const vault = await collectedVault();
  await vault.back(P0);
  const records = files(5_000);
  const { index } = await write(vault.mover, P0, records);
  expect(index).toMatchObject({ files: 5_000, ...found() });
  expect(index.pages.length).toBeGreaterThan(2);
  expect(await readAll(vault.control, P0)).toEqual(records);
  const find = (path: string) => findIndexedFile({ vault: vault.control, index, path, signal: NEVER });
  for (const n of [0, 1, 2_500, 4_999])
    expect(await find(`/srv/file-${String(n).padStart(6, '0')}`)).toEqual(records[n]);
  for (const path of ['/', '/srv', '/srv/file-000001x', '/z']) expect(await find(path)).toBeUndefined();
  for (const key of vault.keys('index/'))
    expect(Buffer.from(vault.store.objects.get(key) ?? []).includes('file-00')).toBe(false);
});

test('the next point writes the pages that differ and uses the others, also after a rotation of the keys', async () => {
  const vault = await collectedVault();
  await vault.back(P0);
  const first = await write(vault.mover, P0, files(5_000));
  await rotateKeys({ vault: vault.control, service: vault.service, openRecipient: () => undefined, signal: NEVER });
  const manifest = await vault.back(P1);
  const parent = await findParentIndex(vault.mover, manifest, NEVER);
  expect(parent?.pointId).toBe(P0);
  const changed = files(5_000, { 2500: { bytes: 7 } });
  const added = changed.toSpliced(100, 0, { ...(changed[100] as FileRecord), path: '/srv/file-000099-new' });
  const second = await write(vault.mover, P1, added, parent);
  expect(second.index.pages.length - second.pagesReused).toBeLessThanOrEqual(3);
  expect(second.pagesReused).toBeGreaterThanOrEqual(first.index.pages.length - 2);
  expect(vault.keys(`index/pages/${P1}/`)).toHaveLength(second.index.pages.length - second.pagesReused);
  expect(await readAll(vault.mover, P1)).toEqual(added);
});

test('pages of an expired point stay while another index names them, and go with the last one', async () => {
  const vault = await collectedVault();
  await vault.back(P0);
  const { index: parent } = await write(vault.mover, P0, files(5_000));
  await vault.back(P1);
  await write(vault.mover, P1, files(5_000, { 2500: { bytes: 7 } }), parent);
  await vault.expire(P0);
  await vault.collect({ gcId: GC_OF('1') });
  expect(vault.keys('index/files/')).toEqual([expect.stringContaining(P1)]);
  expect(vault.keys(`index/pages/${P0}/`)).toHaveLength(parent.pages.length - 1);
  expect(await readAll(vault.mover, P1)).toHaveLength(5_000);
  await vault.expire(P1);
  await vault.collect({ gcId: GC_OF('2') });
  expect(vault.keys('index/')).toEqual([]);
});

test('a point that expires while its index is built upon lends nothing: the new index has pages of its own', async () => {
  let onRoot: (() => Promise<void>) | undefined;
  const vault: CollectedVault = await collectedVault({
    before: async ({ name, key }) => {
      if (name !== 'create' || !key.startsWith(`index/files/${P1}/`)) return;
      const once = onRoot;
      onRoot = undefined;
      await once?.();
    },
  });
  await vault.back(P0);
  const { index: parent } = await write(vault.mover, P0, files(5_000));
  await vault.back(P1);
  // The worst moment: a collection surveys and plans when the pages are not named yet.
  onRoot = () => vault.expire(P0);
  const { index, pagesReused } = await write(vault.mover, P1, files(5_000), parent);
  expect(pagesReused).toBe(0);
  expect(new Set(index.pages.map(({ runId }) => runId))).toEqual(new Set([P1]));
  for (const key of vault.keys(`index/pages/${P0}/`)) vault.store.objects.delete(key);
  expect(await readAll(vault.mover, P1)).toHaveLength(5_000);
  // An expired point is nobody's parent.
  expect(await findParentIndex(vault.mover, await vault.back(P2), NEVER)).toMatchObject({ pointId: P1 });
});

test('pages that no index names yet stay with their point; a damaged index is reported and keeps nothing else', async () => {
  const vault = await collectedVault();
  await vault.back(P0);
  const { index } = await write(vault.mover, P0, files(10));
  const [root = ''] = vault.keys('index/files/');
  const ofIndex = async () => judgements(await vault.survey()).filter((line) => line.includes('index'));
  expect(await ofIndex()).toEqual(['keep named index-page 0', 'keep point index 0']);
  const whole = vault.store.objects.get(root) ?? new Uint8Array();
  vault.store.objects.set(root, whole.slice(0, -1));
  expect(await ofIndex()).toEqual(['keep point index 0', 'keep point index-page 0']);
  expect((await vault.survey()).invalid.map(({ key }) => key)).toEqual([root]);
  const told: string[] = [];
  const asked = { vault: vault.mover, pointId: P0, signal: NEVER, onInvalid: (key: string) => void told.push(key) };
  expect(await findFileIndex(asked)).toBeUndefined();
  expect(told).toEqual([root]);
  // Another one beside it, and the newest that can be read counts.
  const again = await write(vault.mover, P0, files(10));
  expect(again.index.pages).toEqual(index.pages);
  expect(await readAll(vault.mover, P0)).toEqual(files(10));
});

test('a collector that cannot read an index for want of an answer ends its survey', async () => {
  let isAway = false;
  const vault = await collectedVault({
    before: ({ key }) => {
      if (isAway && key.endsWith('.idx')) throw new TypeError('away');
    },
  });
  await vault.back(P0);
  await write(vault.mover, P0, files(10));
  isAway = true;
  await expect(vault.survey()).rejects.toThrow('away');
});

test.each([
  ['not UTF-8', packText(Uint8Array.of(0xff)), /not UTF-8/],
  ['longer than it says', Uint8Array.of(1, 0, 0, 0, ...packText(Buffer.from('{}')).subarray(4)), /promised size/],
  ['shorter than it says', Uint8Array.of(9, 0, 0, 0, ...packText(Buffer.from('{}')).subarray(4)), /text is 2/],
  ['no JSON', packText(Buffer.from('{\n')), /not JSON/],
  ['of another shape', packText(Buffer.from('{}\n')), /pointId|path/],
  ['cut after a record', packText(pageText(files(2)).subarray(0, -1)), /records|not JSON|the index/],
])('text that is %s is refused as an index and as a page', (_, packed, reason) => {
  expect(() => decodeFileIndex(packed)).toThrow(FormatError);
  expect(() => decodeIndexPage(packed)).toThrow(FormatError);
  expect(() => decodeFileIndex(packed)).toThrow(reason);
});
