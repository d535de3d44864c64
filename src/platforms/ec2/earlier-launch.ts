import type { Run } from '../../contract/run.ts';
import type { Ec2Context } from './context.ts';
import { observationOf } from './observe.ts';
import { type OwnedInstance, shownInstances } from './owned.ts';
import { TAG, tagRecord } from './tags.ts';

export interface LaunchName {
  readonly run: Run;
  readonly role: 'clone' | 'verify' | 'restored';
  readonly attempt: number;
}

/** What earlier attempts at one launch left. */
export interface EarlierLaunch {
  readonly alive?: OwnedInstance;
  /** The last machine of this launch that ended, for the hour that EC2 shows it. */
  readonly endedId?: string;
}

export async function findEarlierLaunch(
  context: Ec2Context,
  { run, role, attempt }: LaunchName,
  signal: AbortSignal,
): Promise<EarlierLaunch> {
  const launched = (await shownInstances(context, run, signal)).filter(({ instance }) => {
    const tags = tagRecord(instance.Tags);
    return tags[TAG.role] === role && tags[TAG.attempt] === String(attempt);
  });
  const hasEnded = ({ instance }: OwnedInstance) => observationOf(instance).state === 'terminated';
  const alive = launched.find((machine) => !hasEnded(machine));
  const ended = launched
    .filter(hasEnded)
    .sort((a, b) => launchedAt(a) - launchedAt(b))
    .at(-1);
  return { ...(alive && { alive }), ...(ended && { endedId: ended.owned.id }) };
}

function launchedAt({ instance }: OwnedInstance): number {
  return instance.LaunchTime?.getTime() ?? 0;
}
