import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { expect, test } from 'vitest';
import { readCredential, type SignedRequest, verifySignature } from '../../../../../local/cloud/wire/sigv4.ts';

const KEY = { name: 'test', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const NOW = new Date('2026-11-23T12:00:00Z');

/** What the signer asks for: a hash, or with a key a MAC. */
class Sha256 {
  readonly #parts: Buffer[] = [];
  readonly #key: Buffer | undefined;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#key = key === undefined ? undefined : toBuffer(key);
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#parts.push(toBuffer(data));
  }

  async digest(): Promise<Uint8Array> {
    const hash = this.#key === undefined ? createHash('sha256') : createHmac('sha256', this.#key);
    return hash.update(Buffer.concat(this.#parts)).digest();
  }

  reset(): void {
    this.#parts.length = 0;
  }
}

function toBuffer(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
}

/** A request as the SDK's own signer makes it. */
async function signed({
  path = '/snapshots/snap-1/blocks/0',
  query = {},
  body = 'payload',
}: {
  path?: string;
  query?: Record<string, string>;
  body?: string;
}): Promise<SignedRequest> {
  const signer = new SignatureV4({
    credentials: KEY,
    region: 'local-1',
    service: 'ebs',
    sha256: Sha256,
    applyChecksum: true,
  });
  const request = {
    method: 'PUT',
    protocol: 'http:',
    hostname: '127.0.0.1',
    path,
    query,
    headers: { host: '127.0.0.1:8080', 'x-amz-user-agent': 'a  b' },
    body,
  };
  const { headers } = await signer.sign(request, { signingDate: NOW });
  const search = new URLSearchParams(query).toString().replaceAll('+', '%20');
  return { method: 'PUT', target: search === '' ? path : `${path}?${search}`, headers, body: Buffer.from(body) };
}

function verify(request: SignedRequest, now = NOW): void {
  verifySignature(request, readCredential(request.headers), {
    key: KEY,
    region: 'local-1',
    now,
    skewMs: 300_000,
    bodyDigest: () => createHash('sha256').update(request.body).digest('hex'),
  });
}

test.each([
  { what: 'plain', input: {} },
  { what: 'with a query that needs encoding', input: { query: { blockToken: 'a+b/c==', b: "it's (1) *" } } },
  { what: 'with an encoded path', input: { path: '/snapshots/a%2Fb/blocks' } },
])('a request signed by the SDK is accepted: $what', async ({ input }) => {
  const request = await signed(input);
  expect(() => verify(request)).not.toThrow();
});

test.each([
  { what: 'body', spoil: (request: SignedRequest) => ({ ...request, body: Buffer.from('other') }) },
  { what: 'path', spoil: (request: SignedRequest) => ({ ...request, target: '/snapshots/snap-2/blocks/0' }) },
  {
    what: 'signed header',
    spoil: (request: SignedRequest) => ({ ...request, headers: { ...request.headers, 'x-amz-user-agent': 'c' } }),
  },
  { what: 'method', spoil: (request: SignedRequest) => ({ ...request, method: 'GET' }) },
])('a request whose $what was changed after signing is refused', async ({ spoil }) => {
  const request = spoil(await signed({}));
  expect(() => verify(request)).toThrow(/match/);
});

test('a header outside SignedHeaders may change on the way', async () => {
  const request = await signed({});
  expect(() => verify({ ...request, headers: { ...request.headers, connection: 'close' } })).not.toThrow();
});

test('a signature that is six minutes old is refused', async () => {
  const request = await signed({});
  expect(() => verify(request, new Date(NOW.getTime() + 360_000))).toThrow(/expired/);
});
