import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createS3Client, createS3Store } from '../../../../src/vault/s3/s3-store.ts';
import { createS3Versions } from '../../../../src/vault/s3/s3-versions.ts';
import { serve } from '../../../support/odd-server.ts';
import { NEVER } from '../../../support/vault-fixture.ts';

interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const RETENTION = { mode: 'governance', until: new Date('2030-01-01') } as const;
const PLACE = { bucket: 'vaults', prefix: '' };
const PAGE = '<html><body><h1>Please log in</h1></body></html>';

const error = (code: string, message?: string) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code>${message === undefined ? '' : `<Message>${message}</Message>`}</Error>`;

const LOCKING = '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>';

async function answering(answer: Answer | ((request: IncomingMessage) => Answer)) {
  const server = await serve((request, response) => {
    const { status, body = '', headers = {} } = typeof answer === 'function' ? answer(request) : answer;
    request.resume();
    request.once('end', () => response.writeHead(status, headers).end(request.method === 'HEAD' ? '' : body));
  });
  onTestFinished(() => server.close());
  vi.stubEnv('AWS_ENDPOINT_URL_S3', server.endpoint);
  return createS3Store(createS3Client(process.env), PLACE);
}

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});

afterEach(() => vi.unstubAllEnvs());

test('a bucket of another region is refused at once, and its region named, whatever was asked', async () => {
  const headers = { 'x-amz-bucket-region': 'eu-west-1' };
  const store = await answering({ status: 301, headers, body: error('PermanentRedirect', 'must be addressed') });
  const refusal = { code: 'VaultRefused', message: expect.stringContaining('set AWS_REGION=eu-west-1') };
  await expect(store.get('a.json', NEVER)).rejects.toMatchObject(refusal);
  await expect(store.head('a.json', NEVER)).rejects.toMatchObject(refusal);
  await expect(store.create('a.json', new Uint8Array(1), NEVER)).rejects.toMatchObject(refusal);
});

test.each([
  { kind: 'ListBucketResult', versions: false },
  { kind: 'ListVersionsResult', versions: true },
])(
  'a $kind that is cut off without a word where it goes on is neither the end nor the beginning again',
  async (row) => {
    const { kind, versions } = row;
    const store = await answering({ status: 200, body: `<${kind}><IsTruncated>true</IsTruncated></${kind}>` });
    const read = async () => {
      if (!versions) for await (const _ of store.list('points/', NEVER));
      else for await (const _ of createS3Versions(createS3Client(process.env), PLACE).listVersions('points/', NEVER));
    };
    await expect(read()).rejects.toMatchObject({ code: 'VaultRefused', status: 'permanent' });
  },
);

test('a redirection that names no region is refused, and region and endpoint are', async () => {
  const store = await answering({ status: 302, headers: { location: 'http://127.0.0.1:9/' }, body: PAGE });
  await expect(store.get('a.json', NEVER)).rejects.toMatchObject({
    code: 'VaultRefused',
    message: expect.stringMatching(/HTTP 302; .*AWS_REGION.*endpoint/),
  });
});

test.each([
  { status: 502, code: 'VaultUnreachable', words: /: HTTP 502; the server, or a gateway/ },
  { status: 413, code: 'VaultRefused', words: /: HTTP 413; / },
  { status: 403, code: 'AccessDenied', words: /: HTTP 403; / },
])('a gateway’s page with HTTP $status is $code and told by its status', async ({ status, code, words }) => {
  const store = await answering({ status, headers: { 'content-type': 'text/html' }, body: PAGE });
  const message = expect.stringMatching(words);
  await expect(store.create('a.json', new Uint8Array(1), NEVER)).rejects.toMatchObject({ code, message });
});

test('a full store is not said to be out of reach', async () => {
  const store = await answering({ status: 507, body: error('XMinioStorageFull', 'minimum free drive threshold') });
  await expect(store.create('a.json', new Uint8Array(1), NEVER)).rejects.toMatchObject({
    code: 'VaultUnreachable',
    message: expect.stringMatching(/XMinioStorageFull \(minimum free drive threshold\); the server/),
  });
});

test('a page where a listing should be is said to be none of S3', async () => {
  const store = await answering({ status: 200, body: '<html><body>' });
  await expect(store.list('points/', NEVER)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: 'VaultUnreachable',
    message: expect.stringContaining('none of S3'),
  });
});

test('an answer that does not say how long it is, is not called a broken connection', async () => {
  const store = await answering({ status: 200, body: PAGE, headers: { 'transfer-encoding': 'chunked' } });
  await expect(store.get('a.json', NEVER)).rejects.toMatchObject({
    code: 'VaultUnreachable',
    message: expect.stringContaining('does not say how long it is'),
  });
});

test('NotImplemented is said of locks only where a lock was asked for', async () => {
  const store = await answering({ status: 501, body: error('NotImplemented', 'a header implies more') });
  const body = new Uint8Array(1);
  await expect(store.create('a.json', body, NEVER)).rejects.toMatchObject({
    code: 'VaultRefused',
    message: expect.stringContaining('NotImplemented (a header implies more)'),
  });
  const locked = store.create('a.json', body, NEVER, { retention: RETENTION });
  await expect(locked).rejects.toMatchObject({ code: 'LockUnsupported' });
});

test.each([
  { server: 'S3', message: 'Bucket is missing Object Lock Configuration' },
  { server: 'MinIO', message: 'Bucket is missing ObjectLockConfiguration' },
  { server: 'Ceph', message: 'bucket object lock not configured' },
  { server: 'SeaweedFS', message: 'Invalid Request' },
])('a bucket that locks nothing is known by the words of $server, or is asked', async ({ message }) => {
  const store = await answering(({ url }) =>
    url?.includes('?object-lock')
      ? { status: 404, body: error('ObjectLockConfigurationNotFoundError') }
      : { status: 400, body: error('InvalidRequest', message) },
  );
  expect(await store.retentionOf('a.json', NEVER)).toBeUndefined();
  await store.releaseHold('a.json', NEVER);
  const refusal = { code: 'LockUnsupported' };
  await expect(store.placeHold('a.json', NEVER)).rejects.toMatchObject(refusal);
  const create = store.create('a.json', new Uint8Array(1), NEVER, { retention: RETENTION });
  await expect(create).rejects.toMatchObject(refusal);
});

test.each([
  { bucket: 'locks', config: { status: 200, body: LOCKING } },
  { bucket: 'may not be asked', config: { status: 403, body: error('AccessDenied') } },
])('what is refused of an object whose bucket $bucket stays a refusal', async ({ config }) => {
  const refused = { status: 400, body: error('InvalidRequest', 'Invalid Request') };
  const store = await answering(({ url }) => (url?.includes('?object-lock') ? config : refused));
  await expect(store.retentionOf('a.json', NEVER)).rejects.toMatchObject({ code: 'VaultRefused' });
  await expect(store.releaseHold('a.json', NEVER)).rejects.toMatchObject({ code: 'VaultRefused' });
});
