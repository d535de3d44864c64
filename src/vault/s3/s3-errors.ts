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
  const what = `${key} in ${url}: ${error.name} (${error.message})`;
  if (MISSING.has(error.name)) return missing(key, url, error);
  if (error.name === 'NoSuchBucket') {
    return new VaultError('VaultNotInitialized', `${what}; create the bucket or correct the vault's URL`, details);
  }
  if (error.name === 'InvalidRange') {
    return new VaultError('ObjectDamaged', `${what}; the object is shorter than its index says`, details);
  }
  if (DENIED.has(error.name) || statusOf(error) === 403) {
    return new VaultError('AccessDenied', `${what}; check the credentials and the bucket's policy`, details);
  }
  if (SLOW.has(error.name) || statusOf(error) === 503 || statusOf(error) === 429) {
    return new VaultError('SlowDown', what, details);
  }
  const status = statusOf(error);
  if (status === MOVED) return new VaultError('VaultRefused', `${key} in ${url}: ${whereTo(error)}`, details);
  if (status !== undefined && status >= 400 && status < 500 && !PASSING.has(error.name)) {
    return new VaultError('VaultRefused', `${what}; the store does not take this request, see the cause`, details);
  }
  if (status === undefined && !isConnectionError(error)) return error;
  return new VaultError('VaultUnreachable', `${what}; check that the endpoint can be reached`, details);
}

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

/** PermanentRedirect; the answer to a HEAD has no body, and with it no name. */
const MOVED = 301;

/** The SDK follows no redirect, and S3 says with each where the bucket is (S3 API, HeadBucket: x-amz-bucket-region). */
function whereTo(error: Error): string {
  const region = '$response' in error ? findHeader(error.$response, 'x-amz-bucket-region') : undefined;
  const place = region === undefined ? 'another region' : `region ${region}`;
  return `the bucket lies in ${place}, and these requests go elsewhere; set AWS_REGION, or the region of the profile, to ${region ?? "the bucket's"}`;
}

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
