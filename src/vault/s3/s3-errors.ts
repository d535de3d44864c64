import { ConfigurationError, UnderstudyError, VaultError } from '../../errors.ts';
import { missing } from '../whole-object.ts';
import { findHeader } from './find-header.ts';

/** What the SDK throws, translated once and by name. Cancellation and our own errors pass unchanged. */
export function translateS3Error(error: unknown, key: string, url: string): unknown {
  if (error instanceof UnderstudyError || !(error instanceof Error)) return error;
  if (error.name === 'AbortError') return error;
  // The only ones told by their text: the SDK gives them no name and no code. The second is of an empty variable, too.
  if (error.message === 'Region is missing' || error.message.startsWith('Region not accepted')) {
    const message = `there is no region for ${url}: set AWS_REGION, or a profile that has one (AWS_PROFILE); ${error.message}`;
    return new ConfigurationError('InvalidConfiguration', message, { cause: error });
  }
  const details = { context: { key, name: error.name }, cause: error };
  const status = statusOf(error);
  const what = `${key} in ${url}: ${wordsOf(error, status)}`;
  if (MISSING.has(error.name)) return missing(key, url, error);
  if (error.name === 'NoSuchBucket') {
    return new VaultError('VaultNotInitialized', `${what}; create the bucket or correct the vault's URL`, details);
  }
  if (error.name === 'InvalidRange') {
    return new VaultError('ObjectDamaged', `${what}; the object is shorter than its index says`, details);
  }
  if (DENIED.has(error.name) || status === 403) {
    return new VaultError('AccessDenied', `${what}; check the credentials and the bucket's policy`, details);
  }
  if (SLOW.has(error.name) || status === 503 || status === 429) {
    return new VaultError('SlowDown', what, details);
  }
  if (status !== undefined && status >= 300 && status < 400) {
    return new VaultError('VaultRefused', `${what}; ${whereInstead(error)}`, details);
  }
  const isRefusal = status !== undefined && status >= 400 && status < 500 && !PASSING.has(error.name);
  if (isRefusal || error.name === 'NotImplemented') {
    return new VaultError('VaultRefused', `${what}; the store does not take this request, see the cause`, details);
  }
  if (status === undefined && !isConnectionError(error)) return error;
  return new VaultError('VaultUnreachable', `${what}; ${whatToLookAt(error, status)}`, details);
}

/** The SDK calls an answer that is not S3's, such as a gateway's page, `Unknown (UnknownError)`. */
function wordsOf({ name, message }: Error, status: number | undefined): string {
  const told = [name, message].filter((text) => !/^Unknown(?:Error)?$/.test(text));
  if (told.length === 2) return `${name} (${message})`;
  return [...told, `HTTP ${status ?? 'without a status'}`].join(', ');
}

/** S3 redirects whoever asks in another region than the bucket's, and names that one. */
function whereInstead(error: Error): string {
  const region = '$response' in error ? findHeader(error.$response, 'x-amz-bucket-region') : undefined;
  if (region !== undefined) return `the bucket is in region ${region}: set AWS_REGION=${region}`;
  return 'what answered sends elsewhere: correct the region (AWS_REGION) or the endpoint';
}

function whatToLookAt(error: Error, status: number | undefined): string {
  if ('code' in error && CERTIFICATE.test(String(error.code))) {
    return 'its certificate is not trusted; name the file of its CA in NODE_EXTRA_CA_CERTS';
  }
  if (status === undefined) return 'check that the endpoint can be reached';
  if (status < 300) return 'the answer is none of S3, or was cut off: check the endpoint and what lies between';
  return 'the server, or a gateway before it, could not do it now';
}

/** Node's codes for a chain that ends in an unknown CA (nodejs.org/api/tls.html, X509 certificate error codes). */
const CERTIFICATE =
  /^(?:UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(?:_LOCALLY)?)|(?:DEPTH_ZERO_)?SELF_SIGNED_CERT)/;

const MISSING = new Set(['NoSuchKey', 'NotFound']);
const DENIED = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'CredentialsProviderError',
]);
const SLOW = new Set([
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
]);
// 4xx that go away by themselves: a race with a delete, a body that came late, a clock that is being set.
const PASSING = new Set([
  'ConditionalRequestConflict',
  'RequestTimeout',
  'OperationAborted',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'IncompleteBody',
]);

function statusOf(error: Error): number | undefined {
  if (!('$metadata' in error) || typeof error.$metadata !== 'object' || error.$metadata === null) return undefined;
  if (!('httpStatusCode' in error.$metadata)) return undefined;
  return typeof error.$metadata.httpStatusCode === 'number' ? error.$metadata.httpStatusCode : undefined;
}

/** Node's system errors and the SDK's time-outs; anything else without a status is a bug. */
function isConnectionError(error: Error): boolean {
  return error.name === 'TimeoutError' || error.name === 'NetworkingError' || 'code' in error || 'errno' in error;
}

/** The server found another digest than the one it was sent. */
export function isDigestRefused(error: unknown): boolean {
  return error instanceof Error && (error.name === 'BadDigest' || error.name === 'XAmzContentSHA256Mismatch');
}

export function isPreconditionFailed(error: unknown): boolean {
  return error instanceof Error && error.name === 'PreconditionFailed';
}

/** Taken for the end, it would make everything behind it missing: to a collection, points that nothing needs any more. */
export function cutOff(below: string, url: string): VaultError {
  const message = `the store's list of ${below || 'all objects'} in ${url} is cut off and does not say where it goes on; this is no S3`;
  return new VaultError('VaultRefused', message, { context: { below } });
}
