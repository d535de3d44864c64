import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createExtractActivities, type ExtractRequest } from '../../../src/activities/extract.ts';
import type { Extract } from '../../../src/contract/results.ts';
import type { DataPlatform } from '../../../src/platforms/platform.ts';
import { encodeHeader, HEADER_BYTES, RESULT_MAGIC, RESULT_OFFSET } from '../../../src/recipes/boot/scratch-layout.ts';
import { encodeTar } from '../../../src/recipes/boot/tar.ts';
import { BLOCK_BYTES, type BlockSource, readExtract } from '../../../src/vault/index.ts';
import { activityEnvironment } from '../../support/activity.ts';
import { MOVER, NEVER, testKeys, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';

const RUN_ID = '20261124T000000Z-00000001';
const GIB = 2 ** 30;
const TABLE = Buffer.from('CREATE TABLE t ();\n'.repeat(1000));
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const record = (bytes: Uint8Array) => `bytes ${bytes.length}\nsha256 ${digest(bytes)}\n`;
const ANSWERS = {
  'answers/postgresql.extract.json': '{"ok":true,"facts":{"table":"public.t","rows":3,"format":"sql"}}',
  'answers/postgresql.extract.status': '0\n',
};

/** A scratch volume as extract.sh leaves it: results behind 1 MiB, the thing itself behind 1 GiB. */
function scratchWith(files: Readonly<Record<string, string>>, table: Uint8Array): BlockSource {
  const tar = encodeTar(new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])));
  const header = encodeHeader(RESULT_MAGIC, { runId: RUN_ID, bytes: tar.length, sha256: digest(tar) });
  const results = Buffer.concat([header, new Uint8Array(HEADER_BYTES - header.length), tar]);
  const at = (offset: number, bytes: Uint8Array, index: number) => {
    const block = new Uint8Array(BLOCK_BYTES);
    const from = index * BLOCK_BYTES - offset;
    if (from >= 0 && from < bytes.length) block.set(bytes.subarray(from, from + BLOCK_BYTES));
    return block;
  };
  return {
    volumeBytes: 2 * GIB,
    async *blocks({ from, to }) {
      for (let index = from; index < to; index++) yield { index, token: String(index) };
    },
    changedSince: async () => 'unrelated',
    read: async ({ index }) => (index * BLOCK_BYTES < GIB ? at(RESULT_OFFSET, results, index) : at(GIB, table, index)),
  };
}

async function seal(files: Readonly<Record<string, string>>, table: Uint8Array = TABLE) {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys(), roles: MOVER });
  const platform = { openSource: async () => scratchWith(files, table) } as unknown as DataPlatform;
  const activities = createExtractActivities({ platform, vaults: { names: ['main'], open: async () => vault } });
  const request = {
    run: { runId: RUN_ID },
    vault: 'main',
    recipe: 'postgresql',
    scratch: { snapshotId: 'snap-1' },
    region: { fromGiB: 1, giB: 1 },
  } as unknown as ExtractRequest;
  const environment = activityEnvironment();
  return { vault, sealed: (): Promise<Extract> => environment.run(activities.sealExtract, request) };
}

test('what a machine took out is sealed in the vault, and comes out of it as it was', async () => {
  const { vault, sealed } = await seal({ ...ANSWERS, finished: '', 'extract/record': record(TABLE) });
  const extract = await sealed();
  expect(extract).toEqual({
    parts: 1,
    bytes: TABLE.length,
    sha256: digest(TABLE),
    format: 'sql',
    name: 'public.t',
    rows: 3,
  });
  expect(await sealed()).toEqual(extract);
  const parts: Uint8Array[] = [];
  for await (const part of readExtract({ vault, runId: RUN_ID, ...extract, signal: NEVER })) parts.push(part);
  expect(Buffer.concat(parts).equals(TABLE)).toBe(true);
});

test('bytes that changed between the machine and the snapshot are refused', async () => {
  const other = Buffer.from(TABLE);
  other[5] = 0;
  const { sealed } = await seal({ ...ANSWERS, finished: '', 'extract/record': record(TABLE) }, other);
  await expect(sealed()).rejects.toMatchObject({
    code: 'ExtractFailed',
    message: expect.stringContaining('read back'),
  });
});

test.each([
  {
    what: 'no such table',
    files: {
      finished: '',
      'answers/postgresql.extract.json': '{"ok":false,"facts":{"reason":"there is no such table"}}',
    },
    says: 'postgresql gave nothing: there is no such table',
  },
  {
    what: 'a database that did not recover',
    files: { finished: '', 'answers/postgresql.recovered.json': '{"ok":false,"facts":{"reason":"starting up"}}' },
    says: 'postgresql did not recover: starting up',
  },
  { what: 'a machine without it', files: { finished: '' }, says: 'postgresql gave nothing: it is not in this machine' },
  { what: 'a script that did not finish', files: ANSWERS, says: 'boot script did not finish' },
  {
    what: 'a record that claims more than there is room',
    files: { ...ANSWERS, finished: '', 'extract/record': `bytes 99999999999999\nsha256 ${'0'.repeat(64)}\n` },
    says: 'cannot be used',
  },
])('$what is said in so many words', async ({ files, says }) => {
  const { sealed } = await seal(files);
  await expect(sealed()).rejects.toMatchObject({ code: 'ExtractFailed', message: expect.stringContaining(says) });
});
