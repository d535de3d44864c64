import { createHash } from 'node:crypto';
import type { Run } from '../../contract/run.ts';
import { PlatformError } from '../../errors.ts';
import type { Ec2Context } from './context.ts';
import { isCode } from './errors.ts';
import type { OwnedInstance } from './owned.ts';
import { waitRunning, waitVisible } from './wait-running.ts';

export interface Rung {
  readonly instanceType: string;
  readonly clientToken: string;
}

export interface Ladder {
  readonly run: Run;
  /** What is launched, and which launch of it: part of each rung's token. */
  readonly launching: readonly (string | number)[];
  readonly subnetId: string;
  /** The source's own type first, then the allowed others. */
  readonly instanceTypes: readonly string[];
  /** Sends RunInstances; resolves with the instance's id. */
  readonly launch: (rung: Rung) => Promise<string>;
}

/**
 * Tries one type after the other until one has capacity. Each rung has a token of its own: one that was sent repeats the request
 * it was made for (API_RunInstances, ClientToken).
 */
export async function climb(context: Ec2Context, ladder: Ladder, signal: AbortSignal): Promise<OwnedInstance> {
  const { run, subnetId } = ladder;
  const types = [...new Set(ladder.instanceTypes)];
  let last: unknown;
  for (const instanceType of types) {
    try {
      const id = await ladder.launch({ instanceType, clientToken: token(ladder, instanceType) });
      const claimed = await waitVisible(context, run, id, signal);
      const running = await waitRunning(context, run, claimed, signal);
      if (running) return running;
      last = new PlatformError('InsufficientCapacity', `${instanceType} was given up by EC2 for want of capacity.`);
    } catch (error) {
      if (!isCode(error, 'InsufficientCapacity')) throw error;
      context.log('no capacity', { instanceType, subnetId });
      last = error;
    }
  }
  throw new PlatformError(
    'InsufficientCapacity',
    `No capacity in ${subnetId} for ${types.join(', ')}. Try later, or list other types in the profile (fallbackInstanceTypes).`,
    { cause: last },
  );
}

/** At most 64 ASCII characters (API_RunInstances, ClientToken). */
function token({ run, launching, subnetId }: Ladder, instanceType: string): string {
  return createHash('sha256')
    .update([run.runId, ...launching, instanceType, subnetId].join('\n'))
    .digest('hex')
    .slice(0, 64);
}
