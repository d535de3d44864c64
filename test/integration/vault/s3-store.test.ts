import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type S3Server, startS3 } from '../../../local/servers/s3.ts';
import { openStore, openVolume } from '../../../src/vault/index.ts';
import type { ObjectStore } from '../../../src/vault/object-store.ts';
import { createS3Client, createS3Store } from '../../../src/vault/s3/s3-store.ts';
import { backUp, fixedClock, NEVER, RUN_ID, testKeys, testVault } from '../../support/vault-fixture.ts';
import { testObjectStore } from '../../support/vault-store-conformance.ts';
import { noise, testVolume, text } from '../../support/vault-volume.ts';

const WRITER = { accessKeyId: 'vaultwriter00001', secretAccessKey: 'a-secret-for-the-vault-writer-01' };
let server: S3Server;
let stateDir: string;
let prefixes = 0;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'understudy-s3-'));
  const users = [{ ...WRITER, may: 'write' }] as const;
  server = await startS3({ stateDir, bucket: 'vaults', region: 'local-1', users });
  vi.stubEnv('AWS_ENDPOINT_URL_S3', server.endpoint);
  vi.stubEnv('AWS_REGION', 'local-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', WRITER.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', WRITER.secretAccessKey);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await server?.stop();
  await rm(stateDir, { recursive: true, force: true });
});

function freshStore(): ObjectStore {
  return createS3Store(createS3Client(process.env), { bucket: 'vaults', prefix: `test-${prefixes++}/` });
}

describe('a bucket', () => testObjectStore(async () => freshStore()));

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
