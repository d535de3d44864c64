import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { UnderstudyError } from '../errors.ts';

/** S3 and EC2 ask for "reduced rates"; their buckets refill within seconds, and half a minute spreads a fleet's retries. */
const THROTTLE_DELAY = '30s';

/** The only place where activity errors become Temporal failures. Cancellation and bugs pass unchanged. */
export const failureInterceptor: ActivityInboundCallsInterceptor = {
  async execute(input, next) {
    try {
      return await next(input);
    } catch (error) {
      if (!(error instanceof UnderstudyError)) throw error;
      throw ApplicationFailure.create({
        type: error.code,
        message: error.message,
        nonRetryable: error.status === 'permanent',
        details: [error.context],
        cause: bare(error),
        ...(error.status === 'throttled' && { nextRetryDelay: THROTTLE_DELAY }),
      });
    }
  },
};

/** Where it came from, without its own cause: an SDK's error holds whatever a service said, uncut, and histories keep it. */
function bare({ name, message, stack }: Error): Error {
  return Object.assign(new Error(message), { name, stack });
}
