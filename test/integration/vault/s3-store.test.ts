import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, PutBucketVersioningCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type S3Server, startS3 } from '../../../local/servers/s3.ts';
import { listPoints, openStore, openVolume } from '../../../src/vault/index.ts';
import { pointKey } from '../../../src/vault/object-keys.ts';
import { createS3Client, createS3Store } from '../../../src/vault/s3/s3-store.ts';
import { createS3Versions } from '../../../src/vault/s3/s3-versions.ts';
import { backUp, fixedClock, NEVER, RUN_ID, testKeys, testVault } from '../../support/vault-fixture.ts';
import { testLocks, testNoLocks, testObjectStore } from '../../support/vault-store-conformance.ts';
import { noise, testVolume, text } from '../../support/vault-volume.ts';

const WRITER = { accessKeyId: 'vaultwriter00001', secretAccessKey: 'a-secret-for-the-vault-writer-01' };
let server: S3Server;
let stateDir: string;
let prefixes = 0;
const made = new Set<string>();

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'understudy-s3-'));
  const users = [{ ...WRITER, may: 'write' }] as const;
  server = await startS3({ stateDir, bucket: 'vaults', region: 'local-1', users });
  vi.stubEnv('AWS_ENDPOINT_URL_S3', server.endpoint);
  vi.stubEnv('AWS_REGION', 'local-1');
  asWriter();
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await server?.stop();
  await rm(stateDir, { recursive: true, force: true });
});

/** The bucket's owner, who may remove; a fresh prefix each time. */
async function owned(bucket: string) {
  const { accessKeyId, secretAccessKey } = server.root;
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
  onTestFinished(asWriter);
  const client = createS3Client(process.env);
  await makeBucket(client, bucket);
  const place = { bucket, prefix: `test-${prefixes++}/` };
  return { store: createS3Store(client, place), versions: createS3Versions(client, place), now: () => new Date() };
}

function asWriter(): void {
  vi.stubEnv('AWS_ACCESS_KEY_ID', WRITER.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', WRITER.secretAccessKey);
}

/** `vaults` is there, with versions and locks. */
async function makeBucket(client: S3Client, bucket: string): Promise<void> {
  if (bucket === 'vaults' || made.has(bucket)) return;
  made.add(bucket);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  if (bucket !== 'versioned') return;
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
}

describe('a bucket with versions and locks', () => testObjectStore(async () => (await owned('vaults')).store));
describe('a plain bucket', () => testObjectStore(async () => (await owned('plain')).store));
describe('a bucket that locks', () => testLocks(() => owned('vaults')));
describe('a bucket with versions only', () => testNoLocks(async () => (await owned('versioned')).store));
describe('a bucket without versions', () => testNoLocks(async () => (await owned('plain')).store));

test('a document whose stored checksum speaks against it is one point that cannot be read', async () => {
  const { store } = await owned('plain');
  const vault = await testVault({ store, keys: await testKeys() });
  const other = '20261124T023107Z-9f2c0002';
  for (const runId of [RUN_ID, other]) await backUp(vault, { 'vol-1': testVolume(1, new Map()) }, { runId });
  const { prefix } = store.url.match(/plain\/(?<prefix>.*)$/)?.groups ?? {};
  // Below the server, which keeps the checksum beside the file.
  const path = join(stateDir, 's3', 'objects', 'plain', prefix ?? '', pointKey(RUN_ID));
  const bytes = await readFile(path);
  bytes[9] = (bytes[9] ?? 0) ^ 1;
  await writeFile(path, bytes);
  expect(await codeOf(store.get(pointKey(RUN_ID), NEVER))).toBe('ObjectDamaged');
  const found = [];
  for await (const { pointId, state } of listPoints({ vault, signal: NEVER })) found.push([pointId, state]);
  expect(found).toEqual([
    [RUN_ID, 'invalid'],
    [other, 'committed'],
  ]);
  // Whoever creates there learns that something stands there, as in a folder.
  expect(await codeOf(store.create(pointKey(RUN_ID), new Uint8Array([1]), NEVER))).toBe('ObjectExists');
});

test('what has no name of an object is listed neither as object nor as version', async () => {
  const { store, versions } = await owned('vaults');
  const { prefix } = store.url.match(/vaults\/(?<prefix>.*)$/)?.groups ?? {};
  const client = createS3Client(process.env);
  await store.create('a/1.json', new Uint8Array([1]), NEVER);
  // The last one is what consoles make of a folder.
  for (const name of ['a/1.json~', 'a/x y.json', 'a//1.json', 'a/']) {
    await client.send(new PutObjectCommand({ Bucket: 'vaults', Key: `${prefix}${name}`, ContentLength: 0 }));
  }
  const keys = [];
  for await (const { key } of store.list('a/', NEVER)) keys.push(key);
  for await (const { key } of versions.listVersions('a/', NEVER)) keys.push(key);
  expect(keys).toEqual(['a/1.json', 'a/1.json']);
});

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );

test('wrong credentials are AccessDenied, an unknown bucket VaultNotInitialized, no server VaultUnreachable', async () => {
  const at = (bucket: string) => createS3Store(createS3Client(process.env), { bucket, prefix: '' });
  expect(await codeOf(at('nobucket').create('a.json', new Uint8Array([1]), NEVER))).toMatch(
    /VaultNotInitialized|AccessDenied/,
  );
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong');
  expect(await codeOf(at('vaults').create('a.json', new Uint8Array([1]), NEVER))).toBe('AccessDenied');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', WRITER.secretAccessKey);
  vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:9');
  expect(await codeOf(at('vaults').get('a.json', NEVER))).toBe('VaultUnreachable');
  vi.stubEnv('AWS_ENDPOINT_URL_S3', server.endpoint);
});

test('a backup into s3://bucket/prefix is read back byte for byte by a key that cannot delete', async () => {
  const store = openStore('s3://vaults/deep/prefix', { clock: fixedClock });
  const vault = await testVault({ store, keys: await testKeys() });
  const written = new Map(Array.from({ length: 70 }, (_, i) => [i, i % 9 === 0 ? text(`row ${i}`) : noise(i)]));
  await backUp(vault, { 'vol-1': testVolume(100, written) });
  const volume = await openVolume({ vault, pointId: RUN_ID, volumeId: 'vol-1', signal: NEVER });
  let read = 0;
  for await (const { index, bytes } of volume.blocks({ from: 0, to: 100 }, NEVER)) {
    expect(Buffer.compare(bytes, written.get(index) ?? new Uint8Array())).toBe(0);
    read++;
  }
  expect(read).toBe(70);
});
