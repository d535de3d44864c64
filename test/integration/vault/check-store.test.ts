import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type S3Server, startS3 } from '../../../local/servers/s3.ts';
import { checkStore, systemClock, systemRandomBytes } from '../../../src/vault/index.ts';
import { type FaultProxy, type S3Fault, startFaultProxy } from '../../support/s3-fault-proxy.ts';
import { NEVER, temporaryFolder } from '../../support/vault-fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

const WRITER = { accessKeyId: 'vaultwriter00001', secretAccessKey: 'a-secret-for-the-vault-writer-01' };
let server: S3Server;
let proxy: FaultProxy;
let stateDir: string;
let owner: S3Client;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'understudy-s3-'));
  const users = [{ ...WRITER, may: 'write' }] as const;
  server = await startS3({ stateDir, bucket: 'locking', region: 'local-1', users });
  proxy = await startFaultProxy(server);
  const { endpoint, region, root } = server;
  owner = new S3Client({ endpoint, region, credentials: { ...root }, forcePathStyle: true });
  for (const Bucket of ['plain', 'versioned']) await owner.send(new CreateBucketCommand({ Bucket }));
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await owner.send(new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration }));
  vi.stubEnv('AWS_ENDPOINT_URL_S3', proxy.endpoint);
  vi.stubEnv('AWS_REGION', 'local-1');
});

beforeEach(() => {
  proxy.faults.clear();
  actAs(server.root);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  owner?.destroy();
  await proxy?.close();
  await server?.stop();
  await rm(stateDir, { recursive: true, force: true });
});

function actAs({ accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string }): void {
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
}

async function check(url: string, mustLock = false) {
  const report = await checkStore({
    url,
    mustLock,
    clock: systemClock,
    randomBytes: systemRandomBytes,
    signal: NEVER,
  });
  const verdicts = Object.fromEntries(report.findings.map(({ name, verdict }) => [name, verdict]));
  const notFit = report.findings.filter(({ verdict }) => verdict !== 'fit');
  return { ...report, verdicts, notFit };
}

async function versionsIn(bucket: string) {
  const { Versions = [], DeleteMarkers = [] } = await owner.send(new ListObjectVersionsCommand({ Bucket: bucket }));
  return [...Versions, ...DeleteMarkers].map(({ Key }) => Key ?? '');
}

test('a bucket with Object Lock is fit, and only the locked test object stays, by name', async () => {
  const { verdict, notFit, left } = await check('s3://locking/deep/prefix', true);
  expect(notFit).toEqual([]);
  expect(verdict).toBe('fit');
  expect(left).toEqual([
    expect.stringMatching(/^deep\/prefix\/understudy-check-[0-9a-f]+\/locked\.json: .*locked until/),
  ]);
  const there = new Set((await versionsIn('locking')).map((key) => key.replace(/check-[0-9a-f]+/, 'check')));
  expect(there).toEqual(new Set(['deep/prefix/understudy-check/locked.json']));
});

test('a bucket with versions only is fit, and says what is missing; where a lock is demanded it is unfit', async () => {
  const { verdict, notFit, left } = await check('s3://versioned/v');
  expect(notFit.map(({ name, verdict }) => ({ name, verdict }))).toEqual([
    { name: 'lock', verdict: 'missing' },
    { name: 'legal hold', verdict: 'missing' },
  ]);
  expect(notFit[0]).toMatchObject({
    found: 'the bucket has no Object Lock',
    remedy: expect.stringContaining('bucket.md'),
  });
  expect(verdict).toBe('fit');
  expect(left).toEqual([]);
  expect(await versionsIn('versioned')).toEqual([]);
  expect((await check('s3://versioned/v', true)).verdict).toBe('unfit');
});

test('a plain bucket is fit without versions and locks', async () => {
  const { verdict, verdicts, left } = await check('s3://plain');
  expect(verdicts).toMatchObject({ versions: 'missing', lock: 'missing', 'conditional create': 'fit' });
  expect(verdict).toBe('fit');
  expect(left).toEqual([]);
  expect(await versionsIn('plain')).toEqual([]);
});

const FAULTS: readonly { fault: S3Fault; name: string; verdict: string; whole: 'fit' | 'unfit' }[] = [
  { fault: 'ignores-conditions', name: 'conditional create', verdict: 'broken', whole: 'unfit' },
  { fault: 'ignores-conditions', name: 'race of creates', verdict: 'broken', whole: 'unfit' },
  { fault: 'drops-checksums', name: 'checksums', verdict: 'missing', whole: 'fit' },
  { fault: 'takes-wrong-checksums', name: 'wrong checksum', verdict: 'missing', whole: 'fit' },
  { fault: 'wrong-date', name: 'clock', verdict: 'broken', whole: 'unfit' },
  { fault: 'forgets-locks', name: 'lock', verdict: 'broken', whole: 'unfit' },
  { fault: 'forgets-locks', name: 'legal hold', verdict: 'broken', whole: 'unfit' },
  { fault: 'loses-objects-in-listings', name: 'listing', verdict: 'broken', whole: 'unfit' },
  { fault: 'loses-objects-in-listings', name: 'pages', verdict: 'broken', whole: 'unfit' },
  { fault: 'ignores-ranges', name: 'ranges', verdict: 'broken', whole: 'unfit' },
];

test.each(FAULTS)(
  'a server that $fault: "$name" is $verdict and the bucket $whole',
  async ({ fault, name, ...wanted }) => {
    proxy.faults.add(fault);
    const { verdict, findings } = await check('s3://locking/faulty');
    const found = findings.find((finding) => finding.name === name);
    expect(found?.verdict, JSON.stringify(found)).toBe(wanted.verdict);
    expect(found?.means).toBeTruthy();
    expect(verdict).toBe(wanted.whole);
  },
);

test('a bucket that cannot lock is fit without locks, even when its server refuses one without saying why', async () => {
  proxy.faults.add('wordless-about-locks');
  const { verdict, notFit } = await check('s3://plain');
  const found = 'the bucket has no Object Lock';
  expect(notFit).toContainEqual(expect.objectContaining({ name: 'lock', verdict: 'missing', found }));
  expect(verdict).toBe('fit');
});

test('a bucket that locks every object by itself is told what that costs, and not that credentials are short', async () => {
  await owner.send(new CreateBucketCommand({ Bucket: 'hoarding', ObjectLockEnabledForBucket: true }));
  const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } as const;
  const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule } as const;
  await owner.send(new PutObjectLockConfigurationCommand({ Bucket: 'hoarding', ObjectLockConfiguration }));
  const { verdict, notFit, findings } = await check('s3://hoarding', true);
  expect(notFit).toMatchObject([{ name: 'default lock', verdict: 'missing' }]);
  expect(notFit[0]?.found).toContain('every object for 1 d (governance)');
  expect(findings.find(({ name }) => name === 'lock')?.found).toContain('The bucket locks each version');
  expect(verdict).toBe('fit');
});

test('credentials that may not delete are told so, the bucket is fit and what is left is named', async () => {
  actAs(WRITER);
  const { verdict, verdicts, left, findings } = await check('s3://locking/writer');
  expect(verdicts).toMatchObject({ 'conditional create': 'fit', lock: 'fit', 'legal hold': 'not-checked' });
  expect(findings.find(({ name }) => name === 'lock')?.found).toContain('may not delete any version');
  expect(findings.find(({ name }) => name === 'legal hold')?.means).toContain('s3:PutObjectLegalHold');
  expect(verdict).toBe('fit');
  expect(left.length).toBeGreaterThan(10);
});

test('wrong credentials and no server end the check early, unfit', async () => {
  actAs({ ...WRITER, secretAccessKey: 'wrong' });
  const denied = await check('s3://locking/denied');
  expect(denied.verdicts).toEqual({ clock: 'fit', 'write and read': 'broken' });
  expect(denied.notFit[0]?.means).toContain('s3:PutObject');
  expect(denied.verdict).toBe('unfit');
  vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:9');
  const gone = await check('s3://locking/gone');
  vi.stubEnv('AWS_ENDPOINT_URL_S3', proxy.endpoint);
  expect(gone.notFit[0]?.found).toContain('VaultUnreachable');
});

test('a folder that had to be made is gone again, with all above it that was not there', async () => {
  const folder = await temporaryFolder();
  const { verdict, left } = await check(pathToFileURL(join(folder, 'new', 'vault')).href);
  expect([verdict, left]).toEqual(['fit', []]);
  expect(await readdir(folder)).toEqual([]);
});

test('a folder is fit without locks, and nothing is left in it', async () => {
  const folder = await temporaryFolder();
  const { verdict, verdicts, left } = await check(pathToFileURL(folder).href);
  expect(verdict).toBe('fit');
  expect(verdicts).toMatchObject({ 'race of creates': 'fit', ranges: 'fit', lock: 'missing' });
  expect(left).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
});
