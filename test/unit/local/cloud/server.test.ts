import { createHash, createHmac } from 'node:crypto';
import { request as httpRequest, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiServer } from '../../../../local/cloud/server.ts';
import { canonicalRequest } from '../../../../local/cloud/wire/sigv4.ts';
import { cloudInProcess } from '../../../support/cloud-in-process.ts';

const KEY = { id: 'AKIDROOT00000000', secret: 'root-secret-root-secret' };

const home = cloudInProcess();
let server: Server;
let port: number;
beforeAll(async () => {
  server = createApiServer(await home.open());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(() => {
  server.close();
  home.end();
});

interface Sent {
  readonly service: string;
  readonly method?: string;
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The signature's age. */
  readonly ageMs?: number;
  readonly secret?: string;
  /** What is signed instead of the target: no client can sign one that cannot be decoded. */
  readonly signedTarget?: string;
}

/** As the SDK would not send it: signed, but with any target and body. */
async function send(sent: Sent) {
  const { service, method = 'POST', target = '/', headers = {}, body = '', signedTarget } = sent;
  const { ageMs = 0, secret = KEY.secret } = sent;
  const date = new Date(Date.now() - ageMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const signed: Record<string, string> = { host: `127.0.0.1:${port}`, 'x-amz-date': date };
  const wire = { method, target: signedTarget ?? target, headers: signed, body: Buffer.from(body) };
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const scope = [date.slice(0, 8), 'local-1', service, 'aws4_request'];
  const canonical = canonicalRequest(wire, Object.keys(signed), sha256(body));
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), sha256(canonical)].join('\n');
  const hmac = (key: string | Buffer, part: string) => createHmac('sha256', key).update(part).digest();
  const signature = hmac(scope.reduce<string | Buffer>(hmac, `AWS4${secret}`) as Buffer, text).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${KEY.id}/${scope.join('/')}, SignedHeaders=host;x-amz-date, Signature=${signature}`;
  return new Promise<{ status: number | undefined; text: string; type: string | undefined }>((resolve, reject) => {
    const request = httpRequest(
      { port, method, path: target, headers: { ...signed, ...headers, authorization } },
      async (response) => {
        let answer = '';
        for await (const chunk of response) answer += String(chunk);
        const type = response.headers['x-amzn-errortype'];
        resolve({ status: response.statusCode, text: answer, type: type === undefined ? type : String(type) });
      },
    );
    request.once('error', reject);
    request.end(body);
  });
}

test('a Query request may have its fields in a form, in its line, or in both', async () => {
  const all = { service: 'ec2', target: '/?Action=DescribeRegions&Version=2016-11-15' };
  const answers = [
    await send({ ...all, method: 'GET' }),
    await send(all),
    await send({ service: 'ec2', body: 'Action=DescribeRegions&Version=2016-11-15' }),
    await send({ ...all, body: 'RegionName.1=local-1' }),
  ];
  for (const { status, text } of answers) expect([status, text]).toEqual([200, expect.stringContaining('local-1')]);
  const who = await send({ service: 'sts', method: 'GET', target: '/?Action=GetCallerIdentity&Version=2011-06-15' });
  expect([who.status, who.text]).toEqual([200, expect.stringContaining('user/root')]);
});

test.each([
  { service: 'ec2', wrong: 'SignatureDoesNotMatch', old: 'RequestExpired' },
  { service: 'sts', wrong: 'SignatureDoesNotMatch', old: 'SignatureDoesNotMatch' },
  { service: 'kms', wrong: 'InvalidSignatureException', old: 'InvalidSignatureException' },
  { service: 'ssm', wrong: 'InvalidSignatureException', old: 'InvalidSignatureException' },
  { service: 'ebs', wrong: 'InvalidSignatureException', old: 'InvalidSignatureException' },
])('$service calls a wrong signature $wrong and an old one $old', async ({ service, wrong, old }) => {
  const another = await send({ service, secret: 'another' });
  expect([another.type ?? another.text]).toEqual([expect.stringContaining(wrong)]);
  const late = await send({ service, ageMs: 360_000 });
  expect([late.type ?? late.text]).toEqual([expect.stringContaining(old)]);
});

test.each(['ec2', 'sts', 'kms', 'ssm', 'ebs'])(
  'a malformed escape in a request to %s is its sender’s mistake',
  async (service) => {
    const query = await send({ service, method: 'GET', target: '/?a=%zz', signedTarget: '/' });
    expect([query.status, query.text]).toEqual([400, expect.stringContaining('malformed escapes')]);
    const path = await send({ service, method: 'GET', target: '/%zz' });
    expect([path.status, path.text]).toEqual([400, expect.stringContaining('malformed escapes')]);
  },
);

test('a path of two slashes is one that the service does not have', async () => {
  expect((await send({ service: 'ebs', method: 'GET', target: '//' })).status).toBe(404);
});

const DEEP = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;

test.each([
  { service: 'kms', headers: { 'x-amz-target': 'TrentService.DescribeKey' } },
  { service: 'ssm', headers: { 'x-amz-target': 'AmazonSSM.ListCommands' } },
  { service: 'ebs', target: '/snapshots' },
])('a body for $service that nests without end is refused', async (sent) => {
  const { status, text } = await send({ ...sent, body: DEEP });
  expect([status, text]).toEqual([400, expect.stringContaining('nests deeper')]);
});

test.each(['ec2', 'sts', 'kms', 'ssm', 'ebs'])(
  'a body that is too large for %s gets an answer that says so',
  async (service) => {
    const { status, text } = await send({ service, body: 'a'.repeat(3_000_000) });
    expect([status, text]).toEqual([413, expect.stringContaining('at most 1048576 bytes')]);
  },
);
