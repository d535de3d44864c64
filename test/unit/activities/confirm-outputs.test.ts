import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { confirmOutputs } from '../../../src/activities/confirm-outputs.ts';
import type { AgentRecord } from '../../../src/contract/evidence.ts';
import { ext4Image } from '../../support/disk-images.ts';
import { memoryByteSource } from '../../support/file-byte-source.ts';

// mke2fs waits for the disk, which others use too.
vi.setConfig({ testTimeout: 60_000 });

const dir = mkdtempSync(join(tmpdir(), 'outputs-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const beat = { signal: new AbortController().signal, progress: () => {} };
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** What the agent wrote. */
const FILES = { 'a file': 'abc', 'sub/empty': '', 'sub/b': 'second' };

function listOf(files: Readonly<Record<string, string>>): string {
  const line = ([path, text]: readonly [string, string]) => `${sha256(text)} ${text.length} ./${path}\n`;
  return Object.entries(files).map(line).join('');
}

interface Archive {
  /** As the vault holds them. */
  readonly files?: Readonly<Record<string, string>>;
  readonly list?: string;
}

/** Compares an archive with a record of FILES. */
async function confirm({ files = FILES, list = listOf(FILES) }: Archive = {}, maxReadBytes = 1_000) {
  const tree = Object.fromEntries(Object.entries(files).map(([path, text]) => [`dump/${path}`, text]));
  const image = ext4Image({ dir, features: '^has_journal', files: { ...tree, '.understudy/dump.list': list } });
  const record: AgentRecord = {
    recipe: 'dump',
    exitStatus: 0,
    startedAt: '2026-11-23T02:31:20.000Z',
    endedAt: '2026-11-23T02:31:21.000Z',
    log: { bytes: 0, sha256: sha256('') },
    output: { files: Object.keys(FILES).length, bytes: 9, listSha256: sha256(listOf(FILES)) },
    facts: {},
  };
  return confirmOutputs({ source: memoryByteSource(image), records: [record], beat, maxReadBytes });
}

test('an archive that holds what the agent listed is confirmed, file by file', async () => {
  expect(await confirm()).toEqual([
    {
      name: 'dump archived',
      verdict: 'clean',
      found: '3 files in the vault as its agent listed them, compared with their SHA-256',
    },
  ]);
});

test('beyond the bytes that are read again files are compared by name and size, and the fact says so', async () => {
  const [fact] = await confirm({}, 3);
  expect(fact?.found).toBe(
    '3 files in the vault as its agent listed them, compared by name and size, 3 bytes with their SHA-256',
  );
});

test.each([
  {
    what: 'an altered file',
    archive: { files: { ...FILES, 'sub/b': 'Second' } },
    names: /\.\/sub\/b has another SHA-256/,
  },
  {
    what: 'a cut file',
    archive: { files: { ...FILES, 'a file': 'ab' } },
    names: /\.\/a file has 2 bytes, the list says 3/,
  },
  { what: 'a file too many', archive: { files: { ...FILES, more: '' } }, names: /\.\/more has 0 bytes.*nothing of it/ },
  {
    what: 'a missing file',
    archive: { files: { 'a file': 'abc', 'sub/b': 'second' } },
    names: /\.\/sub\/empty is missing/,
  },
  { what: 'the list of another run', archive: { list: listOf({ more: '' }) }, names: /the list of its files differs/ },
])('$what is named, and nothing is committed', async ({ archive, names }) => {
  await expect(confirm(archive)).rejects.toMatchObject({ code: 'AgentFailed', message: expect.stringMatching(names) });
});

test('an output without a file system that can be read is refused', async () => {
  const record = { recipe: 'dump', output: { files: 1, bytes: 1, listSha256: sha256('') } } as AgentRecord;
  const nothing = confirmOutputs({ source: memoryByteSource(new Uint8Array(1 << 20)), records: [record], beat });
  await expect(nothing).rejects.toMatchObject({ code: 'AgentFailed', message: expect.stringContaining('dump: ') });
});
