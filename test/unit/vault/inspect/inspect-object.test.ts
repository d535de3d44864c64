import { expect, test, vi } from 'vitest';
import {
  type FileRecord,
  inspectObject,
  type Vault,
  writeEvidence,
  writeFileIndex,
} from '../../../../src/vault/index.ts';
import { runVaultCli } from '../../../support/cli-run.ts';
import {
  backUp,
  CONTROL,
  NEVER,
  RUN_ID,
  temporaryFolder,
  testKeys,
  testVault,
} from '../../../support/vault-fixture.ts';
import { type MemoryStore, memoryStore } from '../../../support/vault-memory-store.ts';
import { noise, testVolume } from '../../../support/vault-volume.ts';

// Each vault starts threads of its own, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const FACTS = {
  uid: 7,
  gid: 8,
  modifiedAt: '2026-11-23T02:31:07.412000000Z',
  changedAt: '2026-11-23T02:31:07.412000000Z',
};
const RECORDS: readonly FileRecord[] = [
  { path: '/', kind: 'folder', bytes: 4096, mode: 0o755, inode: '2', links: 3, ...FACTS },
  { path: '/note', kind: 'file', bytes: 5, mode: 0o600, inode: '12', links: 1, ...FACTS },
];
const INDEX = {
  pointId: RUN_ID,
  found: () => ({ notes: ['not read  data: swap'], unreadable: [] }),
  objects: [{ recipe: 'postgresql', kind: 'table', name: 'bank/\u202e', rows: 12 }],
  digests: false,
  toolVersion: 'test',
} as const;

async function* inOrder(records: readonly FileRecord[]): AsyncIterable<FileRecord> {
  yield* records;
}

async function someVault() {
  const store = memoryStore();
  const keys = await testKeys();
  const vault = await testVault({ store, keys });
  await backUp(vault, { data: testVolume(20, new Map([3, 4].map((index) => [index, noise(index)]))) });
  const evidence = { runId: RUN_ID, name: 'console.txt', contentType: 'text/plain', bytes: Buffer.from('\x1b[2Jboo') };
  await writeEvidence({ vault, ...evidence, signal: NEVER });
  await writeFileIndex({ vault, ...INDEX, records: inOrder(RECORDS), signal: NEVER });
  return { store, keys, vault };
}

const inspect = (store: MemoryStore, key: string, vault: Vault | undefined) =>
  inspectObject({ store, key, vault, signal: NEVER });

const isBinary = (key: string) => !key.endsWith('.json');

test('every object of a vault is named and proven with its keys', async () => {
  const { store, vault } = await someVault();
  const verdicts: Record<string, string> = {};
  for (const key of store.objects.keys()) {
    const { kind, verdict } = await inspect(store, key, vault);
    verdicts[kind] = verdict;
  }
  expect(Object.keys(verdicts).sort()).toEqual([
    'document (catalog)',
    'document (commit)',
    'document (keys)',
    'document (session)',
    'document (shard)',
    'document (vault)',
    'evidence',
    'file index',
    'index page',
    'map',
    'pack',
    'segment',
  ]);
  expect(new Set(Object.values(verdicts))).toEqual(new Set(['proven']));
});

test('an index tells its notes, tables and pages, and a page its files', async () => {
  const { store, vault } = await someVault();
  const shown = async (folder: string) => {
    const key = [...store.objects.keys()].find((one) => one.startsWith(`index/${folder}/`)) ?? '';
    return (await inspect(store, key, vault)).sealed;
  };
  const { objects, notes, pages, ...more } = (await shown('files'))?.tables ?? {};
  expect({ objects, notes, more }).toEqual({
    objects: INDEX.objects,
    notes: [{ note: 'not read  data: swap' }],
    more: {},
  });
  expect(pages).toMatchObject([{ runId: RUN_ID, records: 2, first: '/' }]);
  expect((await shown('pages'))?.tables.files).toMatchObject([
    { path: '/', mode: '0755' },
    { path: '/note', bytes: 5, mode: '0600', uid: 7, inode: '12' },
  ]);
});

test('without a key the public part is told and nothing counts as proven', async () => {
  const { store } = await someVault();
  for (const key of store.objects.keys()) {
    const found = await inspect(store, key, undefined);
    expect(found.verdict).toBe('not checked');
    expect(found.sealed).toBeUndefined();
    expect(Object.keys(found.readable).length).toBeGreaterThan(1);
  }
});

test('a role without the data root sees that evidence is sealed, not what it says', async () => {
  const { store, keys } = await someVault();
  const vault = await testVault({ store, keys, roles: CONTROL });
  const found = await inspect(store, `runs/${RUN_ID}/evidence/console.txt`, vault);
  expect(found).toMatchObject({ verdict: 'not checked', reason: expect.stringContaining('data root') });
  expect(found.sealed).toBeUndefined();
});

test('one changed byte anywhere is refuted, never an error and never proven', async () => {
  const { store, vault } = await someVault();
  for (const [key, bytes] of store.objects) {
    // Of a pack only the end is looked at.
    const at = key.endsWith('.pack') ? bytes.length - 40 : Math.floor(bytes.length / 2);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const { verdict, reason = '' } = await inspect(store, key, vault);
    expect({ key, verdict }).toEqual({ key, verdict: 'refuted' });
    expect(reason).not.toBe('');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
  }
});

test('an object moved to another key is refuted', async () => {
  const { store, vault } = await someVault();
  for (const [key, bytes] of [...store.objects].filter(([name]) => name.startsWith('runs/') && isBinary(name))) {
    const elsewhere = key.replace(RUN_ID, '20261123T023107Z-00000000');
    store.objects.set(elsewhere, bytes);
    expect(await inspect(store, elsewhere, vault)).toMatchObject({ verdict: 'refuted' });
  }
});

test('a path is no key', async () => {
  const { store, vault } = await someVault();
  await expect(inspect(store, '../key', vault)).rejects.toMatchObject({ code: 'InvalidInput' });
  await expect(inspect(store, 'points/none.json', vault)).rejects.toMatchObject({ code: 'ObjectMissing' });
});

test('hostile text of a machine reaches the terminal written out', async () => {
  const text = 'login: \x1b]0;owned\x07 \u202egnp.exe';
  const { args } = await sealedFile('c.txt', 'text/plain', Buffer.from(text));
  const { stdout, exitCode } = await runVaultCli(...args);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('  login: \\x1b]0;owned\\x07 \\u{202e}gnp.exe');
  expect(stdout).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u);
});

test('evidence of a run that made no point comes out as it was sealed', async () => {
  const { args } = await sealedFile('agent.log', 'application/octet-stream', Buffer.from('a\x00b\n'));
  const { stdout, exitCode } = await runVaultCli(...args, '--raw');
  expect({ stdout, exitCode }).toEqual({ stdout: 'a\x00b\n', exitCode: 0 });
  const keyless = await runVaultCli(...args.slice(0, 4), '--raw');
  expect(keyless).toMatchObject({ exitCode: 2, stdout: '' });
  expect(keyless.stderr).toContain('no key was given');
});

/** A vault in a folder with one piece of evidence, and the command line that shows it. */
async function sealedFile(name: string, contentType: string, bytes: Uint8Array) {
  const folder = await temporaryFolder();
  const keys = await testKeys();
  const { createFileStore } = await import('../../../../src/vault/file/file-store.ts');
  const { writeFile } = await import('node:fs/promises');
  await writeFile(`${folder}/key`, `${'42'.repeat(32)}\n`);
  const vault = await testVault({ store: createFileStore(`${folder}/vault`), keys });
  await writeEvidence({ vault, runId: RUN_ID, name, contentType, bytes, signal: NEVER });
  const key = `runs/${RUN_ID}/evidence/${name}`;
  return { args: ['vault', 'inspect', `file://${folder}/vault`, key, '--key-file', `${folder}/key`] };
}
