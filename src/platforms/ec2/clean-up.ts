import type { Leftover } from '../../contract/results.ts';
import type { RemovalRequest } from '../platform.ts';
import { captureSets } from './capture.ts';
import type { Ec2Context } from './context.ts';
import { isCode } from './errors.ts';
import { SHOWS_WITHIN_MS } from './make.ts';
import { deleteSnapshot, deleteVolume, deregisterImage, terminateMachine } from './mutations.ts';
import {
  type Owned,
  type OwnedInstance,
  otherCaptures,
  ownedImages,
  ownedInstances,
  ownedSnapshots,
  ownedVolumes,
  type ResourceKind,
} from './owned.ts';
import { repeatUntil } from './repeat.ts';
import { cancelCommands } from './run-command.ts';
import { TAG, tagRecord } from './tags.ts';

/** A machine ends within a minute; a stuck one is reported and left to the sweeper. */
const TERMINATED_WITHIN_MS = 10 * 60_000;
/**
 * An image's snapshots stay in use for a moment after it is deregistered, a machine's volumes after its end. For all of a kind
 * together: two minutes for each of 80 that somebody else holds would outlast the attempt (workflows/proxies.ts).
 */
const RELEASED_WITHIN_MS = 2 * 60_000;

/**
 * Removes what this run's tags mark, in the order that works: machines, images, snapshots, volumes. What cannot be removed
 * is returned, not thrown: a throw would hide the error that ended the run.
 */
export async function removeRunResources(
  context: Ec2Context,
  request: RemovalRequest,
  signal: AbortSignal,
): Promise<readonly Leftover[]> {
  const startedAt = context.clock().getTime();
  const leftovers = await removeWhatShows(context, request, signal);
  if (request.done || leftovers.length > 0) return leftovers;
  const waitMs = startedAt + SHOWS_WITHIN_MS - context.clock().getTime();
  if (waitMs > 0) await context.sleep(waitMs, signal);
  return removeWhatShows(context, request, signal);
}

async function removeWhatShows(
  context: Ec2Context,
  request: RemovalRequest,
  signal: AbortSignal,
): Promise<readonly Leftover[]> {
  const { run } = request;
  const leftovers: Leftover[] = [];
  const attempt = async (kind: ResourceKind, id: string, remove: () => Promise<void>) => {
    try {
      await remove();
    } catch (error) {
      signal.throwIfAborted();
      if (isCode(error, 'ResourceMissing', 'InstanceNotFound')) return; // gone is what was wanted
      leftovers.push({ kind, id, reason: error instanceof Error ? error.message.slice(0, 200) : String(error) });
    }
  };
  for (const { owned, instance } of await removableInstances(context, request, signal)) {
    // Only a machine with a profile can have been sent anything.
    if (instance.IamInstanceProfile !== undefined) await cancelCommands(context, run, owned, signal);
    await attempt('instance', owned.id, () => terminateMachine(context, owned, signal));
  }
  await waitTerminated(context, request, leftovers, signal);
  for (const { owned, tags } of await ownedImages(context, run, signal)) {
    if (tags[TAG.retain] === undefined) await attempt('image', owned.id, () => deregisterImage(context, owned, signal));
  }
  const snapshots = await removableSnapshots(context, request, signal);
  const releasedSnapshot = releaseWait(context, signal);
  for (const owned of snapshots) {
    await attempt('snapshot', owned.id, () => releasedSnapshot(() => deleteSnapshot(context, owned, signal)));
  }
  const volumes = await ownedVolumes(context, run, signal);
  const releasedVolume = releaseWait(context, signal);
  for (const { owned, tags } of volumes) {
    if (tags[TAG.retain] !== undefined || isKeptRestored(request, tags)) continue;
    await attempt('volume', owned.id, () => releasedVolume(() => deleteVolume(context, owned, signal)));
  }
  return leftovers;
}

async function removableInstances(context: Ec2Context, request: RemovalRequest, signal: AbortSignal) {
  const own = await ownedInstances(context, request.run, signal);
  return own.filter(({ instance }) => !isKeptRestored(request, tagRecord(instance.Tags)));
}

/** Machines and volumes only: the snapshots they were made of have done their work. */
function isKeptRestored({ keepRestored }: RemovalRequest, tags: Readonly<Record<string, string>>): boolean {
  return keepRestored === true && tags[TAG.role] === 'restored';
}

async function waitTerminated(
  context: Ec2Context,
  request: RemovalRequest,
  leftovers: Leftover[],
  signal: AbortSignal,
): Promise<void> {
  const stuck = new Set(leftovers.map(({ id }) => id));
  let alive: readonly OwnedInstance[] = [];
  try {
    await repeatUntil(context, { limitMs: TERMINATED_WITHIN_MS, what: 'machines to end' }, signal, async () => {
      const present = await removableInstances(context, request, signal);
      alive = present.filter(({ owned }) => !stuck.has(owned.id));
      return alive.length === 0 ? true : undefined;
    });
  } catch (error) {
    if (!isCode(error, 'NotReadyYet')) throw error;
    leftovers.push(
      ...alive.map(
        ({ owned, instance }): Leftover => ({
          kind: 'instance',
          id: owned.id,
          reason: `still ${instance.State?.Name}`,
        }),
      ),
    );
  }
}

async function removableSnapshots(
  context: Ec2Context,
  request: RemovalRequest,
  signal: AbortSignal,
): Promise<readonly Owned<'snapshot'>[]> {
  const own = await ownedSnapshots(context, request.run, signal);
  // Of several sets that lost replies left, the run worked with the earliest complete one (capture.ts).
  const captures = own.filter(({ tags }) => tags[TAG.role] === 'capture').map(({ resource }) => resource);
  const sets = captureSets(captures);
  const largest = Math.max(0, ...sets.map((set) => set.length));
  const kept = request.keepCapture ? (sets.find((set) => set.length === largest) ?? []) : [];
  const removable = own
    .filter(({ tags, resource }) => tags[TAG.retain] === undefined && !kept.includes(resource))
    .map(({ owned }) => owned);
  const keptSince = kept[0]?.StartTime?.getTime();
  if (request.replacedCaptures === 'keep' || keptSince === undefined) return removable;
  const vault = tagRecord(kept[0]?.Tags)[TAG.vault];
  const replaced = (await otherCaptures(context, request.run, signal)).filter(
    // Only older ones: a run that started later may already have made its capture. Another vault's next increment needs
    // its own.
    ({ tags, resource }) =>
      tags[TAG.retain] === undefined &&
      (tags[TAG.vault] ?? vault) === vault &&
      (resource.StartTime?.getTime() ?? Number.POSITIVE_INFINITY) < keptSince,
  );
  return [...removable, ...replaced.map(({ owned }) => owned)];
}

/** Repeats removals while their resource is still in use by something that is going away; from now on, within one limit. */
function releaseWait(context: Ec2Context, signal: AbortSignal): (remove: () => Promise<void>) => Promise<void> {
  const endsAt = context.clock().getTime() + RELEASED_WITHIN_MS;
  return async (remove) => {
    const waiting = { limitMs: endsAt - context.clock().getTime(), what: 'a resource to be released' };
    let last: unknown;
    try {
      await repeatUntil(context, waiting, signal, async () => {
        try {
          await remove();
          return true;
        } catch (error) {
          if (!isCode(error, 'NotReadyYet', 'PlatformThrottled')) throw error;
          last = error;
          return undefined;
        }
      });
    } catch (error) {
      throw isCode(error, 'NotReadyYet') ? (last ?? error) : error;
    }
  };
}
