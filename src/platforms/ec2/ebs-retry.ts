import { PlatformError, type UnderstudyError } from '../../errors.ts';
import type { Ec2Context } from './context.ts';
import { awsName, awsReason, isCode, translate } from './errors.ts';

// The SDK's own retries end before a body breaks and leave out ConcurrentLimitExceeded (@aws-sdk/client-ebs 3.1138), so all is here.
// 8 attempts with 100 ms doubling to 10 s: about 20 s on average, enough for a throttled account to come to rest.
const ATTEMPTS = 8;
const BASE_MS = 100;
const LONGEST_MS = 10_000;
/** Right after StartSnapshot the snapshot may not be known yet: coldsnap waits up to 132 s for that. */
const ATTEMPTS_WHILE_NEW = 14;

export interface RetryUnit {
  readonly attempted: string;
  /** A snapshot just started: NotFound then means "not yet". */
  readonly isNew?: boolean;
}

/** One EBS direct call including its body as one unit, repeated with full jitter while that can help. */
export async function retryBlockCall<T>(
  context: Ec2Context,
  unit: RetryUnit,
  signal: AbortSignal,
  send: () => Promise<T>,
): Promise<T> {
  const attempts = unit.isNew === true ? ATTEMPTS_WHILE_NEW : ATTEMPTS;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await send();
    } catch (error) {
      if (signal.aborted) throw signal.reason ?? error;
      const meaning = translateBlockError(error, unit.attempted);
      if (attempt >= attempts || !canHelp(meaning, unit)) throw meaning;
      const ceilingMs = Math.min(LONGEST_MS, BASE_MS * 2 ** (attempt - 1));
      await context.sleep(Math.ceil(context.random() * ceilingMs), signal);
    }
  }
}

/** EBS direct APIs put their meaning into a Reason beside the name. */
export function translateBlockError(error: unknown, attempted: string): UnderstudyError {
  const reason = awsReason(error);
  if (reason === 'INVALID_BLOCK_TOKEN' || reason === 'INVALID_PAGE_TOKEN') {
    return new PlatformError(
      'StaleListing',
      `${attempted}: the snapshot was listed again meanwhile (${reason}). List the range again.`,
      {
        context: { awsError: awsName(error) },
        cause: error,
      },
    );
  }
  if (reason === 'UNRELATED_SNAPSHOTS') {
    return new PlatformError('UnrelatedSnapshots', `${attempted}: the snapshots do not share a lineage.`, {
      context: { awsError: awsName(error) },
      cause: error,
    });
  }
  if (reason === 'WRITE_REQUEST_TIMEOUT' || reason === 'CONFLICTING_BLOCK_UPDATE' || isUnreadBody(error)) {
    return new PlatformError('PlatformUnreachable', `${attempted}: ${reason ?? awsName(error)}.`, {
      context: { awsError: awsName(error) },
      cause: error,
    });
  }
  if (reason === 'DEPENDENCY_ACCESS_DENIED' || reason === 'GRANT_NOT_FOUND') {
    return new PlatformError(
      'AccessDenied',
      `${attempted}: ${reason}: the snapshot's KMS key refuses. Grant kms:Decrypt and kms:CreateGrant on it.`,
      {
        context: { awsError: awsName(error) },
        cause: error,
      },
    );
  }
  return translate(error, attempted);
}

function canHelp(error: UnderstudyError, { isNew }: RetryUnit): boolean {
  if (error.code === 'StaleListing') return false;
  if (isCode(error, 'ResourceMissing')) return isNew === true;
  return error.status !== 'permanent';
}

/** "Failed to read block data": the one case in which AWS documents a message and no reason (EBS direct error retries). */
function isUnreadBody(error: unknown): boolean {
  return (
    awsName(error) === 'ValidationException' &&
    error instanceof Error &&
    error.message.includes('Failed to read block data')
  );
}
