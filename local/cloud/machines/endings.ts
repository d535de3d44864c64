import { rm } from 'node:fs/promises';
import type { Cloud } from '../cloud.ts';
import type { InstanceRecord } from '../records.ts';
import { metadataPortFile, monitorSocket, ssmPortFile } from '../storage/layout.ts';
import { shortenChain } from '../storage/volume-files.ts';

export interface End {
  readonly state: 'stopped' | 'terminated';
  readonly reason: { readonly code: string; readonly message: string };
}

/**
 * What EC2 says about a machine that is off. A call outstanding decides whatever the guest did (EC2 does not tell an
 * orderly stop from a hard one); else the guest's own power-off; else it was the host.
 */
export function endOf({ ending, poweredOffByGuest, shutdownBehavior }: InstanceRecord): End {
  if (ending !== undefined) {
    return {
      state: ending.kind === 'stop' ? 'stopped' : 'terminated',
      reason: reason('Client.UserInitiatedShutdown', 'User initiated shutdown'),
    };
  }
  if (poweredOffByGuest === true) {
    const state = shutdownBehavior === 'stop' ? 'stopped' : 'terminated';
    return { state, reason: reason('Client.InstanceInitiatedShutdown', 'Instance initiated shutdown') };
  }
  return { state: 'stopped', reason: reason('Server.InternalError', 'Internal error: the host lost the machine') };
}

class UnusableKey extends Error {}

/** EC2 accepts the launch and finds out later: the machine ends with a client's error. */
export function checkKeys({ db }: Cloud, { volumeIds }: InstanceRecord): void {
  for (const volumeId of volumeIds) {
    const { kmsKeyArn } = db.volumes.get(volumeId) ?? {};
    const key = db.keys.all().find(({ arn }) => arn === kmsKeyArn);
    if (kmsKeyArn !== undefined && key?.state !== 'Enabled')
      throw new UnusableKey(`${kmsKeyArn} of ${volumeId} cannot be used`);
  }
}

/** A machine that never ran is gone; one that did is only stopped again. */
export function endOfFailedLaunch(error: unknown, { consolePostedAt }: InstanceRecord): End {
  const why =
    error instanceof UnusableKey
      ? reason('Client.InternalError', 'Client error on launch')
      : reason('Server.InternalError', 'Internal error on launch');
  return { state: consolePostedAt === undefined ? 'terminated' : 'stopped', reason: why };
}

function reason(code: string, text: string) {
  return { code, message: `${code}: ${text}` };
}

/** Records the end and settles what hung on the machine. Repeatable. */
export async function afterEnd(cloud: Cloud, instanceId: string, { state, reason }: End): Promise<void> {
  const { db, now } = cloud;
  const instance = db.instances.get(instanceId);
  if (instance === undefined) return;
  const { ending, process, poweredOffByGuest, ...rest } = instance;
  const transitionReason =
    ending === undefined
      ? ''
      : `User initiated (${new Date(ending.at).toISOString().slice(0, 19).replace('T', ' ')} GMT)`;
  if (state === 'stopped') {
    db.instances.put({ ...rest, state, stateReason: reason, transitionReason, stateChangedAt: now() });
    for (const volumeId of instance.volumeIds) await shortenChain(cloud, volumeId).catch(reportFailure);
    return;
  }
  for (const volumeId of instance.volumeIds) {
    const { attachment, ...volume } = db.volumes.get(volumeId) ?? {};
    if (!('id' in volume)) continue;
    if (attachment?.deleteOnTermination === true) db.volumes.remove(volumeId);
    else db.volumes.put({ ...volume, state: 'available' });
  }
  db.interfaces.remove(instance.interfaceId);
  db.nodes.remove(`node/${instanceId}`);
  const socket = monitorSocket(instanceId);
  const files = [socket, `${socket}.err`, metadataPortFile(instanceId), ssmPortFile(instanceId)];
  for (const file of files) await rm(file, { force: true });
  db.instances.put({ ...rest, state, stateReason: reason, transitionReason, stateChangedAt: now(), volumeIds: [] });
  await cloud.snapshots.sweep();
}

function reportFailure(error: unknown): void {
  process.stderr.write(`local cloud: a chain was not shortened: ${String(error)}\n`);
}
