import { createHash } from 'node:crypto';
import type { Run } from '../../contract/run.ts';
import { PlatformError } from '../../errors.ts';
import type { Ec2Context } from './context.ts';
import type { EarlierLaunch } from './earlier-launch.ts';
import { awsName, isCode } from './errors.ts';
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
  readonly earlier: EarlierLaunch;
  readonly subnetId: string;
  /** The source's own type first, then the allowed others. */
  readonly instanceTypes: readonly string[];
  /** Sends RunInstances; resolves with the instance's id. */
  readonly launch: (rung: Rung) => Promise<string>;
}

/**
 * A token is spent when its machine has ended (IdempotentInstanceTerminated). The last ended machine that shows is part of
 * the next token; of those that EC2 shows no more, one an hour, each costs a refused request. More than five in one launch are
 * somebody's doing.
 */
const SPENT_TOKENS = 5;

/**
 * Tries one type after the other until one has capacity. Each rung has a token of its own: one that was sent repeats the request
 * it was made for (API_RunInstances, ClientToken).
 */
export async function climb(context: Ec2Context, ladder: Ladder, signal: AbortSignal): Promise<OwnedInstance> {
  const { run, subnetId } = ladder;
  const refused: RefusedRung[] = [];
  for (const instanceType of new Set(ladder.instanceTypes)) {
    try {
      const id = await launchRung(ladder, instanceType);
      const claimed = await waitVisible(context, run, id, signal);
      const running = await waitRunning(context, run, claimed, signal);
      if (running) return running;
      refused.push({ instanceType, error: givenUp(instanceType) });
    } catch (error) {
      if (!isCode(error, 'InsufficientCapacity', 'LaunchRefused')) throw error;
      context.log('launch refused', { instanceType, subnetId, reason: awsName(error) });
      refused.push({ instanceType, error });
    }
  }
  throw refusal(refused, subnetId);
}

interface RefusedRung {
  readonly instanceType: string;
  readonly error: unknown;
}

function givenUp(instanceType: string): PlatformError {
  return new PlatformError('InsufficientCapacity', `${instanceType} was given up by EC2 for want of capacity.`, {
    context: { awsError: 'Server.InsufficientInstanceCapacity' },
  });
}

/** Waiting can help only where capacity was wanting: types do not become supported, and quotas do not rise, by themselves. */
function refusal(refused: readonly RefusedRung[], subnetId: string): PlatformError {
  const reasons = refused.map(({ instanceType, error }) => `${instanceType} (${awsName(error)})`).join(', ');
  const cause = refused.at(-1)?.error;
  if (refused.some(({ error }) => isCode(error, 'InsufficientCapacity'))) {
    const message = `No capacity in ${subnetId} for ${reasons}. Try later, or list other types in the profile (fallbackInstanceTypes).`;
    return new PlatformError('InsufficientCapacity', message, { cause });
  }
  const message = `EC2 launches none of these in ${subnetId}: ${reasons}. List types in the profile (fallbackInstanceTypes) that its zone offers and the account's quota allows, or ask for a higher quota.`;
  return new PlatformError('LaunchRefused', message, { cause });
}

async function launchRung(ladder: Ladder, instanceType: string): Promise<string> {
  for (let spent = 0; ; spent++) {
    try {
      return await ladder.launch({ instanceType, clientToken: token(ladder, instanceType, spent) });
    } catch (error) {
      if (awsName(error) !== 'IdempotentInstanceTerminated') throw error;
      if (spent < SPENT_TOKENS) continue;
      throw new PlatformError(
        'MachineLost',
        `${spent + 1} machines of this launch (${instanceType}) were ended by somebody else. Find out in CloudTrail who calls TerminateInstances.`,
        { cause: error },
      );
    }
  }
}

/** At most 64 ASCII characters (API_RunInstances, ClientToken). */
function token({ run, launching, earlier, subnetId }: Ladder, instanceType: string, spent: number): string {
  return createHash('sha256')
    .update([run.runId, ...launching, earlier.endedId ?? 'first', spent, instanceType, subnetId].join('\n'))
    .digest('hex')
    .slice(0, 64);
}
