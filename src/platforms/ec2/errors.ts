import { type ErrorCode, PlatformError, UnderstudyError } from '../../errors.ts';

/**
 * AWS error names and what they mean here, by name and never by text. Sources: EC2 API error codes (errors-overview),
 * EBS direct API errors, KMS errors, Systems Manager errors.
 */
const MEANING: Readonly<Record<string, ErrorCode>> = {
  UnauthorizedOperation: 'AccessDenied',
  AuthFailure: 'AccessDenied',
  AccessDenied: 'AccessDenied',
  AccessDeniedException: 'AccessDenied',
  UnrecognizedClientException: 'AccessDenied',
  InvalidClientTokenId: 'AccessDenied',
  SignatureDoesNotMatch: 'AccessDenied',
  InvalidSignatureException: 'AccessDenied',
  OptInRequired: 'AccessDenied',
  CredentialsProviderError: 'AccessDenied',
  'InvalidInstanceID.NotFound': 'InstanceNotFound',
  'InvalidInstanceID.Malformed': 'InstanceNotFound',
  'InvalidAMIID.NotFound': 'ResourceMissing',
  'InvalidAMIID.Unavailable': 'ResourceMissing',
  'InvalidSnapshot.NotFound': 'ResourceMissing',
  'InvalidVolume.NotFound': 'ResourceMissing',
  ResourceNotFoundException: 'ResourceMissing',
  NotFoundException: 'ResourceMissing',
  InsufficientInstanceCapacity: 'InsufficientCapacity',
  InsufficientHostCapacity: 'InsufficientCapacity',
  InsufficientCapacity: 'InsufficientCapacity',
  // Quotas: what would free one are machines of somebody else, or a person who asks for more. A smaller type may fit.
  VcpuLimitExceeded: 'LaunchRefused',
  InstanceLimitExceeded: 'LaunchRefused',
  // The type is not offered in this zone, or not for this image: another rung of the ladder may be.
  Unsupported: 'LaunchRefused',
  RequestLimitExceeded: 'PlatformThrottled',
  Throttling: 'PlatformThrottled',
  ThrottlingException: 'PlatformThrottled',
  RequestThrottled: 'PlatformThrottled',
  RequestThrottledException: 'PlatformThrottled',
  RequestThrottleException: 'PlatformThrottled',
  ConcurrentLimitExceededException: 'PlatformThrottled',
  ServiceQuotaExceededException: 'PlatformThrottled',
  SnapshotCreationPerVolumeRateExceeded: 'PlatformThrottled',
  ConcurrentSnapshotLimitExceeded: 'PlatformThrottled',
  PendingSnapshotLimitExceeded: 'PlatformThrottled',
  IdempotentParameterMismatch: 'NotReadyYet',
  // Systems Manager: the agent has not registered; the command does not show yet.
  InvalidInstanceId: 'NotReadyYet',
  InvocationDoesNotExist: 'NotReadyYet',
  InvalidCommandId: 'ResourceMissing',
  IncorrectState: 'NotReadyYet',
  IncorrectInstanceState: 'NotReadyYet',
  'InvalidSnapshot.InUse': 'NotReadyYet',
  VolumeInUse: 'NotReadyYet',
  ExpiredToken: 'PlatformUnreachable',
  ExpiredTokenException: 'PlatformUnreachable',
  RequestExpired: 'PlatformUnreachable',
  InternalError: 'PlatformUnreachable',
  InternalFailure: 'PlatformUnreachable',
  InternalServerException: 'PlatformUnreachable',
  ServerInternal: 'PlatformUnreachable',
  ServiceUnavailable: 'PlatformUnreachable',
  Unavailable: 'PlatformUnreachable',
  TimeoutError: 'PlatformUnreachable',
};

/** Names by which an endpoint says that it does not know an operation. */
const UNKNOWN_OPERATION = ['InvalidAction', 'UnknownOperationException', 'UnsupportedOperation', 'NotImplemented'];

const REMEDY: Partial<Record<ErrorCode, string>> = {
  AccessDenied: 'Grant the worker this action (docs/aws.md lists the policy), or correct its credentials.',
  InstanceNotFound: 'Check the id, the region and the account of the worker.',
  InsufficientCapacity: 'Try later, or list other types in the isolation profile (fallbackInstanceTypes).',
};

/** AWS's own text, such as an encoded authorization message, is cut: it ends up in workflow histories. */
const REASON_CHARS = 240;

/** Sends one request and translates what goes wrong. Cancellation passes unchanged. */
export async function call<T>(attempted: string, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    throw signal.aborted ? (signal.reason ?? error) : translate(error, attempted);
  }
}

/** A PlatformError for anything the SDK throws; errors of ours pass unchanged. */
export function translate(error: unknown, attempted: string): UnderstudyError {
  if (error instanceof UnderstudyError) return error;
  const name = awsName(error);
  const code = MEANING[name] ?? codeOfStatus(error);
  const reason = error instanceof Error ? error.message.slice(0, REASON_CHARS) : 'no message';
  const message = `${attempted}: ${name}: ${reason}${REMEDY[code] ? ` ${REMEDY[code]}` : ''}`;
  return new PlatformError(code, message, { context: { awsError: name }, cause: error });
}

/** The AWS error name behind an error, translated or not. */
export function awsName(error: unknown): string {
  if (error instanceof PlatformError && typeof error.context.awsError === 'string') return error.context.awsError;
  if (!(error instanceof Error)) return 'unknown';
  if ('Code' in error && typeof error.Code === 'string') return error.Code;
  if (error.name === 'Error' && 'code' in error && typeof error.code === 'string') return error.code;
  return error.name;
}

/** The `Reason` field of EBS direct API errors. */
export function awsReason(error: unknown): string | undefined {
  const source = error instanceof PlatformError ? error.cause : error;
  if (typeof source !== 'object' || source === null || !('Reason' in source)) return undefined;
  return typeof source.Reason === 'string' ? source.Reason : undefined;
}

export function isCode(error: unknown, ...codes: readonly ErrorCode[]): boolean {
  return error instanceof UnderstudyError && codes.includes(error.code);
}

/** Whether these credentials, or this endpoint, cannot read something at all. */
export function isUnreadable(error: unknown): boolean {
  return isCode(error, 'AccessDenied') || UNKNOWN_OPERATION.includes(awsName(error));
}

/** No answer at all (sockets, names, TLS) or a fault of the service: 5xx. Everything else is a refusal. */
function codeOfStatus(error: unknown): ErrorCode {
  const metadata = typeof error === 'object' && error !== null && '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined;
  return typeof status === 'number' && status < 500 && status >= 400 ? 'PlatformRefused' : 'PlatformUnreachable';
}
