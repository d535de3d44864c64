import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import type { KeyRecord } from '../records.ts';
import { findKey, findKeyItself } from './find-key.ts';

/** A key by any of its names. NotFoundException. */
export function requireKey(cloud: Cloud, name: string): KeyRecord {
  return known(name, findKey(cloud, name));
}

/** For calls that take no alias. NotFoundException. */
export function requireKeyItself(cloud: Cloud, name: string): KeyRecord {
  return known(name, findKeyItself(cloud, name));
}

/** Seals and opens, by any of its names. */
export function usableKey(cloud: Cloud, name: string): KeyRecord {
  const key = requireKey(cloud, name);
  refuseManaged(key);
  if (key.state === 'Disabled') throw new CloudError('DisabledException', `${key.arn} is disabled.`);
  refusePending(key);
  return key;
}

/** May be enabled, disabled, deleted or given an alias. */
export function changeableKey(cloud: Cloud, name: string): KeyRecord {
  const key = requireKeyItself(cloud, name);
  refuseManaged(key);
  refusePending(key);
  return key;
}

function known(name: string, key: KeyRecord | undefined): KeyRecord {
  if (key === undefined) throw new CloudError('NotFoundException', `Key '${name}' does not exist`);
  return key;
}

/** Its policy, which nobody can change, lets the account use it through that service only ("AWS managed keys" of KMS). */
function refuseManaged({ arn, manager }: KeyRecord): void {
  if (manager === 'AWS')
    throw new CloudError('AccessDeniedException', `${arn} is managed by AWS and used through its service only`);
}

function refusePending({ arn, state }: KeyRecord): void {
  if (state === 'PendingDeletion') throw new CloudError('KMSInvalidStateException', `${arn} is pending deletion.`);
}
