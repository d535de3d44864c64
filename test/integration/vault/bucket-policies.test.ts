import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { type S3Server, startS3 } from '../../../local/servers/s3.ts';
import { ensureUser } from '../../../local/servers/s3-users.ts';
import { VaultError } from '../../../src/errors.ts';
import { createFileKeyService } from '../../../src/vault/file/file-keys.ts';
import {
  beginRun,
  checkStore,
  fenceRun,
  holdPoint,
  openVault,
  openVolume,
  releasePoint,
  systemClock,
  systemRandomBytes,
} from '../../../src/vault/index.ts';
import type { KeyService } from '../../../src/vault/key-service.ts';
import { createS3Client, createS3Store } from '../../../src/vault/s3/s3-store.ts';
import { createS3Versions } from '../../../src/vault/s3/s3-versions.ts';
import type { ObjectVersion, VersionStore } from '../../../src/vault/version-store.ts';
import { backUp, CONTROL, MOVER, NEVER, testSession, testVault } from '../../support/vault-fixture.ts';
import { noise, testVolume } from '../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const PAGE = readFileSync(fileURLToPath(new URL('../../../docs/operations/bucket.md', import.meta.url)), 'utf8');
const ROLES = [
  'Mover',
  'Control worker',
  'Collector',
  'Version deleter',
  'Recover',
  'Search',
  'Whoever checks a bucket',
];
const Policy = z.object({ Statement: z.array(z.record(z.string(), z.unknown())) });
const PLACE = { bucket: 'vaults', prefix: 'main/' };
const LOCK = { mode: 'governance', days: 1 } as const;
const runId = `${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}-0000aaaa`;
const OTHER_RUN = '20261101T000000Z-0000bbbb';
const volumes = { 'vol-1': testVolume(16, new Map([[3, noise(3)]])) };

let server: S3Server;
let stateDir: string;
let owner: S3Client;
let keys: KeyService;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'understudy-s3-'));
  await writeFile(join(stateDir, 'key'), `${'42'.repeat(32)}\n`);
  keys = createFileKeyService(join(stateDir, 'key'), systemRandomBytes);
  server = await startS3({ stateDir, bucket: PLACE.bucket, region: 'local-1' });
  for (const role of ROLES) await ensureUser(server, { ...keyOf(role), may: 'write' });
  const { endpoint, region, root } = server;
  owner = new S3Client({ endpoint, region, credentials: { ...root }, forcePathStyle: true });
  vi.stubEnv('AWS_ENDPOINT_URL_S3', endpoint);
  vi.stubEnv('AWS_REGION', region);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  owner?.destroy();
  await server?.stop();
  await rm(stateDir, { recursive: true, force: true });
});

/** The page's policy of a role, for a bucket policy: with its principal, and names filled in. */
function statementsOf(role: string) {
  const section = PAGE.split(`\n### ${role}\n`)[1]?.split('\n## ')[0] ?? '';
  const json = /```json\n([\s\S]*?)```/.exec(section)?.[1] ?? 'no policy';
  const filled = json.replaceAll('BUCKET', PLACE.bucket).replaceAll('PREFIX', 'main');
  const Principal = { AWS: [keyOf(role).accessKeyId] };
  return Policy.parse(JSON.parse(filled)).Statement.map(({ Sid: _, ...statement }) => ({ ...statement, Principal }));
}

function keyOf(role: string) {
  const accessKeyId = role.toLowerCase().replaceAll(' ', '-').slice(0, 20);
  return { accessKeyId, secretAccessKey: `a-secret-of-the-${accessKeyId}` };
}

/** The product's own store under a role's credentials. One policy at a time: the server keeps it in an attribute of 4 KiB. */
async function as(role: string) {
  const { accessKeyId, secretAccessKey } = role === 'Owner' ? server.root : keyOf(role);
  if (role !== 'Owner') {
    const document = JSON.stringify({ Version: '2012-10-17', Statement: statementsOf(role) });
    await owner.send(new PutBucketPolicyCommand({ Bucket: PLACE.bucket, Policy: document }));
  }
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
  const client = createS3Client(process.env);
  return { store: createS3Store(client, PLACE), versions: createS3Versions(client, PLACE) };
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof VaultError ? error.code : String(error)),
  );
const body = new TextEncoder().encode('x');

test('the mover makes a locked point, and can neither remove, end nor judge one', async () => {
  await testVault({ store: (await as('Owner')).store, keys, clock: systemClock, lock: LOCK }); // init is a person's
  const { store, versions } = await as('Mover');
  const vault = await testVault({ store, keys, roles: MOVER, clock: systemClock, lock: LOCK });
  const manifest = await backUp(vault, volumes, { runId });
  expect(manifest.retention.mode).toBe('governance');
  const point = `points/${runId}.json`;
  expect((await store.retentionOf(point, NEVER))?.mode).toBe('governance');
  expect(await codeOf(store.remove(point, NEVER))).toBe('AccessDenied');
  for (const key of ['tombstones/t.json', 'attestations/p/a.json', 'holds/p/h.json', 'gc/g/plan.json', 'keys/2.json'])
    expect(await codeOf(store.create(key, body, NEVER)), key).toBe('AccessDenied');
  expect(await codeOf(store.placeHold(point, NEVER))).toBe('AccessDenied');
  expect(await codeOf(allVersions(versions))).toBe('AccessDenied');
});

test('the control worker begins, holds, releases and fences, and removes nothing', async () => {
  const { store } = await as('Control worker');
  const control = await testVault({ store, keys, roles: CONTROL, clock: systemClock, lock: LOCK });
  await beginRun({ vault: control, session: testSession(volumes, OTHER_RUN), signal: NEVER });
  const request = { vault: control, pointId: runId, reason: 'test', signal: NEVER };
  await holdPoint({ ...request, holdId: runId });
  expect(await releasePoint(request)).toHaveLength(1);
  expect(await fenceRun({ vault: control, runId: OTHER_RUN, reason: 'test', signal: NEVER })).toBe('fenced');
  expect(await codeOf(store.remove(`points/${runId}.json`, NEVER))).toBe('AccessDenied');
  expect(await codeOf(store.create('catalog/x/y.json', body, NEVER))).toBe('AccessDenied');
});

test('the collector removes what runs wrote, and no point, tombstone or version', async () => {
  const { store, versions } = await as('Collector');
  await store.create('gc/g/report.json', body, NEVER);
  await store.remove(`runs/${OTHER_RUN}/session.json`, NEVER);
  expect(await codeOf(store.head(`runs/${OTHER_RUN}/session.json`, NEVER))).toBe('ObjectMissing');
  for (const key of [`points/${runId}.json`, 'vault.json', 'keys/1.json', 'gc/g/report.json'])
    expect(await codeOf(store.remove(key, NEVER)), key).toBe('AccessDenied');
  expect(await codeOf(allVersions(versions))).toBe('AccessDenied');
});

test('the version deleter destroys what was removed and is not locked, and nothing else', async () => {
  const { store, versions } = await as('Version deleter');
  const all = await allVersions(versions);
  for (const version of all.filter(({ key }) => key.startsWith(`runs/${OTHER_RUN}/`)))
    await versions.removeVersion(version, NEVER);
  const left = await allVersions(versions);
  expect(left.length).toBe(all.length - 2);
  const pack = left.find(({ key }) => key.endsWith('.pack'));
  expect(await codeOf(versions.removeVersion(pack ?? NOTHING, NEVER)), 'a locked pack').toBe('ObjectLocked');
  const point = left.find(({ key }) => key.startsWith('points/'));
  expect(await codeOf(versions.removeVersion(point ?? NOTHING, NEVER))).toMatch(/AccessDenied|ObjectLocked/);
  expect(await codeOf(store.create('runs/r/session.json', body, NEVER))).toBe('AccessDenied');
});

test('recover reads every block and writes nothing', async () => {
  const { store } = await as('Recover');
  const vault = await openVault({
    store,
    keys,
    roles: MOVER,
    clock: systemClock,
    randomBytes: systemRandomBytes,
    signal: NEVER,
  });
  onTestFinished(() => vault.close());
  const volume = await openVolume({ vault, pointId: runId, volumeId: 'vol-1', signal: NEVER });
  const indexes: number[] = [];
  for await (const { index } of volume.blocks({ from: 0, to: 16 }, NEVER)) indexes.push(index);
  expect(indexes).toEqual([3]);
  expect(await codeOf(store.create('runs/r/session.json', body, NEVER))).toBe('AccessDenied');
  expect(await codeOf(store.remove(`points/${runId}.json`, NEVER))).toBe('AccessDenied');
});

test('search reads points and maps, and no pack', async () => {
  const { store } = await as('Search');
  const keysOf = async (prefix: string) => {
    const found: string[] = [];
    for await (const { key } of store.list(prefix, NEVER)) found.push(key);
    return found;
  };
  const [pack = ''] = await keysOf(`runs/${runId}/packs/`);
  const [map = ''] = await keysOf(`runs/${runId}/maps/`);
  expect((await store.get(map, NEVER)).length).toBeGreaterThan(0);
  expect(await codeOf(store.get(pack, NEVER))).toBe('AccessDenied');
  expect(await codeOf(store.create('index/i.json', body, NEVER))).toBe('done');
  expect(await codeOf(store.create('points/p.json', body, NEVER))).toBe('AccessDenied');
});

test('whoever checks the bucket can try everything, below the prefix of the check only', async () => {
  const { store } = await as('Whoever checks a bucket');
  const url = `s3://${PLACE.bucket}/main`;
  const report = await checkStore({
    url,
    mustLock: true,
    clock: systemClock,
    randomBytes: systemRandomBytes,
    signal: NEVER,
  });
  expect(report.findings.filter(({ verdict }) => verdict !== 'fit')).toEqual([]);
  expect(report.left).toHaveLength(1);
  expect(await codeOf(store.get('vault.json', NEVER))).toBe('AccessDenied');
});

const NOTHING = { key: 'nothing.json', versionId: 'none' };

async function allVersions(versions: VersionStore): Promise<ObjectVersion[]> {
  const found: ObjectVersion[] = [];
  for await (const version of versions.listVersions('', NEVER)) found.push(version);
  return found;
}
