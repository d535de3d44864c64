import { expect, test } from 'vitest';
import { PlatformError } from '../../../../src/errors.ts';
import { translateBlockError } from '../../../../src/platforms/ec2/ebs-retry.ts';
import { awsName, call, translate } from '../../../../src/platforms/ec2/errors.ts';

/** As the SDK throws: the name is the code, the status stands in $metadata. */
function awsError(name: string, status: number, fields: Record<string, string> = {}): Error {
  return Object.assign(new Error(`text of ${name}`), { name, $metadata: { httpStatusCode: status }, ...fields });
}

test.each([
  ['UnauthorizedOperation', 403, 'AccessDenied'],
  ['AuthFailure', 401, 'AccessDenied'],
  ['InvalidInstanceID.NotFound', 400, 'InstanceNotFound'],
  ['InvalidSnapshot.NotFound', 400, 'ResourceMissing'],
  ['InsufficientInstanceCapacity', 500, 'InsufficientCapacity'],
  ['VcpuLimitExceeded', 400, 'LaunchRefused'],
  ['InstanceLimitExceeded', 400, 'LaunchRefused'],
  ['Unsupported', 400, 'LaunchRefused'],
  ['RequestLimitExceeded', 503, 'PlatformThrottled'],
  ['SnapshotCreationPerVolumeRateExceeded', 400, 'PlatformThrottled'],
  ['InvalidSnapshot.InUse', 400, 'NotReadyYet'],
  ['InternalError', 500, 'PlatformUnreachable'],
  ['SomethingNew', 500, 'PlatformUnreachable'],
  ['SomethingNew', 400, 'PlatformRefused'],
])('%s (%i) means %s', (name, status, code) => {
  const error = translate(awsError(name, status), 'DescribeX');
  expect(error).toMatchObject({ code });
  expect(error.message).toContain(`DescribeX: ${name}: text of ${name}`);
  expect(awsName(error)).toBe(name);
});

test('a lost connection is unreachable, and errors of ours pass unchanged', () => {
  expect(translate(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }), 'X')).toMatchObject({
    code: 'PlatformUnreachable',
  });
  const ours = new PlatformError('DamagedBlock', 'x');
  expect(translate(ours, 'X')).toBe(ours);
});

test('cancellation passes unchanged', async () => {
  const reason = new Error('cancelled');
  const controller = new AbortController();
  const attempt = call('X', controller.signal, () => {
    controller.abort(reason);
    throw awsError('AbortError', 0);
  });
  await expect(attempt).rejects.toBe(reason);
});

test.each([
  ['ValidationException', 'INVALID_BLOCK_TOKEN', 'StaleListing'],
  ['ValidationException', 'INVALID_PAGE_TOKEN', 'StaleListing'],
  ['ValidationException', 'UNRELATED_SNAPSHOTS', 'UnrelatedSnapshots'],
  ['ValidationException', 'WRITE_REQUEST_TIMEOUT', 'PlatformUnreachable'],
  ['ValidationException', 'INVALID_PARAMETER_VALUE', 'PlatformRefused'],
  ['AccessDeniedException', 'DEPENDENCY_ACCESS_DENIED', 'AccessDenied'],
  ['ResourceNotFoundException', 'GRANT_NOT_FOUND', 'AccessDenied'],
  ['ResourceNotFoundException', 'SNAPSHOT_NOT_FOUND', 'ResourceMissing'],
  ['RequestThrottledException', 'ACCOUNT_THROTTLED', 'PlatformThrottled'],
  ['ConcurrentLimitExceededException', '', 'PlatformThrottled'],
])('EBS direct: %s with %s means %s', (name, Reason, code) => {
  expect(translateBlockError(awsError(name, 400, { Reason }), 'GetSnapshotBlock')).toMatchObject({ code });
});
