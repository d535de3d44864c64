import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { CloudError } from '../cloud-error.ts';
import { ownValue } from '../own-value.ts';
import { decodeEscapes, splitTarget } from './target.ts';

export interface SignedRequest {
  readonly method: string;
  /** As it stood in the request line: path and query, still encoded. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

export interface AccessKeyPair {
  readonly name: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface Credential {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 +Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request, *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})$/;

/** Names the service and key that a request claims; nothing is proven yet. */
export function readCredential(headers: SignedRequest['headers']): Credential {
  const authorization = headers.authorization;
  if (typeof authorization !== 'string') {
    throw new CloudError('MissingAuthenticationToken', 'Request is missing Authentication Token', { httpStatus: 403 });
  }
  const match = AUTHORIZATION.exec(authorization);
  if (match === null) {
    throw new CloudError('IncompleteSignature', 'Authorization header is not a complete AWS4-HMAC-SHA256 signature');
  }
  const [, accessKeyId = '', date = '', region = '', service = '', signedHeaders = '', signature = ''] = match;
  return { accessKeyId, date, region, service, signedHeaders: signedHeaders.split(';'), signature };
}

/** SHA-256 of a body as lower-case hexadecimal; the caller may know it already. */
export type BodyDigest = () => string;

const signingKeys = new Map<string, Buffer>();

/** Throws unless the request was signed with `key`, for this region, at about this time, with this very body. */
export function verifySignature(
  request: SignedRequest,
  credential: Credential,
  { key, region, now, skewMs, bodyDigest }: VerifyOptions,
): void {
  if (credential.region !== region) {
    throw invalidSignature(`Credential should be scoped to a valid region: ${region}, not ${credential.region}.`);
  }
  const amzDate = header(request, 'x-amz-date');
  const at = readAmzDate(amzDate);
  if (Math.abs(now.getTime() - at) > skewMs) {
    throw new CloudError(
      'RequestExpired',
      `Signature expired or not yet valid: ${amzDate} against ${now.toISOString()}`,
    );
  }
  if (!amzDate.startsWith(credential.date) || !credential.signedHeaders.includes('host')) {
    throw invalidSignature('The credential scope must carry the date of x-amz-date, and host must be signed.');
  }
  const digest = payloadDigest(request, credential.service, bodyDigest);
  const canonical = canonicalRequest(request, credential.signedHeaders, digest);
  const scope = `${credential.date}/${credential.region}/${credential.service}/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${sha256(canonical)}`;
  const expected = createHmac('sha256', signingKey(key.secretAccessKey, credential)).update(text).digest();
  if (!timingSafeEqual(expected, Buffer.from(credential.signature, 'hex'))) {
    throw invalidSignature('The request signature we calculated does not match the signature you provided.');
  }
}

const UNSIGNED = 'UNSIGNED-PAYLOAD';

/** PutSnapshotBlock alone may leave its body unsigned (its model says so): a signed header holds the block's SHA-256. */
function payloadDigest({ method, headers }: SignedRequest, service: string, bodyDigest: BodyDigest): string {
  const claimed = headers['x-amz-content-sha256'];
  if (claimed === UNSIGNED && service === 'ebs' && method === 'PUT') return UNSIGNED;
  const digest = bodyDigest();
  if (claimed === undefined || claimed === digest) return digest;
  throw invalidSignature('x-amz-content-sha256 does not match the body (this operation takes no unsigned payload).');
}

interface VerifyOptions {
  readonly key: AccessKeyPair;
  readonly region: string;
  readonly now: Date;
  readonly skewMs: number;
  readonly bodyDigest: BodyDigest;
}

/** Exported for the tests, which compare it with AWS's published example. */
export function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[], digest: string): string {
  const [path, query] = splitTarget(request.target);
  // Every service but S3 encodes the path twice: once on the wire, once for signing.
  const canonicalPath = path.split('/').map(encodeRfc3986).join('/');
  const lines = signedHeaders.map((name) => `${name}:${header(request, name)}\n`);
  return [request.method, canonicalPath, canonicalQuery(query), lines.join(''), signedHeaders.join(';'), digest].join(
    '\n',
  );
}

function canonicalQuery(query: string): string {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const cut = part.indexOf('=');
      const [name, value] = cut < 0 ? [part, ''] : [part.slice(0, cut), part.slice(cut + 1)];
      return { name: encodeRfc3986(decodeEscapes(name)), value: encodeRfc3986(decodeEscapes(value)) };
    })
    .sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value))
    .map(({ name, value }) => `${name}=${value}`)
    .join('&');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function header(request: SignedRequest, name: string): string {
  const value = ownValue(request.headers, name);
  if (value === undefined) throw invalidSignature(`The signed header ${name} is missing.`);
  return (Array.isArray(value) ? value.join(',') : value).trim().replace(/ +/g, ' ');
}

function readAmzDate(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) throw new CloudError('IncompleteSignature', `x-amz-date is not a date: ${text}`);
  const [, year, month, day, hour, minute, second] = match;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** Four HMACs per key, day and service, which would cost as much as a small request if repeated. */
function signingKey(secret: string, { date, region, service }: Credential): Buffer {
  const name = `${secret}/${date}/${region}/${service}`;
  const known = signingKeys.get(name);
  if (known !== undefined) return known;
  if (signingKeys.size > 1_000) signingKeys.clear(); // bounded: a process that lives for months sees many days
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of [date, region, service, 'aws4_request']) key = createHmac('sha256', key).update(part).digest();
  signingKeys.set(name, key);
  return key;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function invalidSignature(message: string): CloudError {
  return new CloudError('SignatureDoesNotMatch', message, { httpStatus: 403 });
}
