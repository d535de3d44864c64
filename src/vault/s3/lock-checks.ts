import {
  DeleteObjectCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3';
import { VaultError } from '../../errors.ts';
import { broken, type CheckFinding, missing, type StoreCheck, works } from '../check/finding.ts';
import type { BucketDoor } from './bucket-door.ts';
import { findBucketLock, isLockUnsupported, isNoLock } from './s3-locks.ts';

/**
 * The locked test object cannot be removed before. Two minutes leave room for slow answers and for clocks that differ
 * a little; S3 knows no shortest lock.
 */
const LOCK_MS = 120_000;
const NO_LOCK = 'recovery points cannot be locked: whoever may delete versions destroys them';
const NEW_BUCKET =
  'for locked points make a bucket with Object Lock (docs/operations/bucket.md); AWS can switch it on later';

/** Whether a lock holds, tried on objects of our own. Leaves one object that nobody can delete for two minutes. */
export function lockChecks(door: BucketDoor): readonly StoreCheck[] {
  return [
    {
      name: 'default lock',
      permission: 's3:GetBucketObjectLockConfiguration',
      withoutPermission: 'not-checked',
      run: () => readDefaultLock(door),
    },
    { name: 'lock', permission: 's3:PutObjectRetention', withoutPermission: 'not-checked', run: () => tryLock(door) },
    {
      name: 'legal hold',
      permission: 's3:PutObjectLegalHold',
      withoutPermission: 'not-checked',
      run: () => tryHold(door),
    },
  ];
}

async function readDefaultLock({ client, bucket, signal, call }: BucketDoor): Promise<Omit<CheckFinding, 'name'>> {
  const command = new GetObjectLockConfigurationCommand({ Bucket: bucket });
  try {
    const reply = await call('default lock', () => client.send(command, { abortSignal: signal }));
    const rule = reply.ObjectLockConfiguration?.Rule?.DefaultRetention;
    if (rule?.Mode === undefined) return works(NO_DEFAULT);
    const time = rule.Years === undefined ? `${rule.Days} d` : `${rule.Years} y`;
    return missing(
      `the bucket locks every object for ${time} (${rule.Mode.toLowerCase()}), those of this check too`,
      'sessions, tombstones and plans, and what abandoned runs leave, are kept and paid for as long',
      'remove the default retention; a vault locks what must be locked (docs/operations/bucket.md)',
    );
  } catch (error) {
    if (!(error instanceof VaultError) || error.code === 'AccessDenied') throw error;
    if (isNoLock(error.cause)) return works(NO_DEFAULT);
    return { verdict: 'not-checked', found: error.message };
  }
}
const NO_DEFAULT = 'the bucket locks nothing by itself';

async function tryLock(door: BucketDoor): Promise<Omit<CheckFinding, 'name'>> {
  const { client, bucket, clock, signal, put } = door;
  const until = new Date(clock.now().getTime() + LOCK_MS);
  const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until } as const;
  let versionId: string | undefined;
  try {
    versionId = await put('locked.json', new Uint8Array(1), lock);
  } catch (error) {
    if (await isLockUnsupported(causeOf(error), { client, Bucket: bucket }, signal)) {
      return missing(await lockFacts(door), NO_LOCK, NEW_BUCKET);
    }
    // Moto refuses the request for something else before it looks at the bucket.
    if (isRefused(error) && (await findBucketLock(client, bucket, signal)) === 'off')
      return missing(NO_LOCK_THERE, NO_LOCK, NEW_BUCKET);
    throw error;
  }
  const object = { Bucket: door.bucket, Key: `${door.prefix}locked.json`, ...(versionId && { VersionId: versionId }) };
  const ignored = await findIgnored(door, object, until);
  if (ignored !== undefined)
    return broken(ignored, 'locks are promised and not kept: points can be destroyed', NEW_BUCKET);
  if (await mayDelete(door))
    return works('a locked version can neither be deleted nor its lock shortened; one is left for two minutes');
  return works(`a lock cannot be shortened; one locked object is left for two minutes. ${NO_DELETION_TRIED}`);
}

interface LockedVersion {
  readonly Bucket: string;
  readonly Key: string;
  readonly VersionId?: string;
}

/** What the store did although the version is locked; undefined when it keeps the lock. */
async function findIgnored(door: BucketDoor, object: LockedVersion, until: Date): Promise<string | undefined> {
  const { client, signal } = door;
  const options = { abortSignal: signal };
  const read = await client.send(new GetObjectRetentionCommand(object), options).catch(() => undefined);
  if (read && Math.abs((read.Retention?.RetainUntilDate?.getTime() ?? 0) - until.getTime()) > 1000) {
    return `an object locked until ${until.toISOString()} is locked until ${read.Retention?.RetainUntilDate?.toISOString() ?? 'never'}`;
  }
  const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: new Date(until.getTime() - LOCK_MS / 2) } as const;
  if (await succeeds(client.send(new PutObjectRetentionCommand({ ...object, Retention }), options)))
    return 'the lock of an object was shortened';
  if (await succeeds(client.send(new DeleteObjectCommand(object), options))) return 'a locked version was deleted';
  return undefined;
}

async function tryHold(door: BucketDoor): Promise<Omit<CheckFinding, 'name'>> {
  const { client, bucket, prefix, signal, put, call } = door;
  const versionId = await put('held.json', new Uint8Array(1));
  const object = { Bucket: bucket, Key: `${prefix}held.json`, ...(versionId && { VersionId: versionId }) };
  const hold = (Status: 'ON' | 'OFF') =>
    client.send(new PutObjectLegalHoldCommand({ ...object, LegalHold: { Status } }), { abortSignal: signal });
  try {
    await call('held.json', () => hold('ON'));
  } catch (error) {
    if (!(await isLockUnsupported(causeOf(error), { client, Bucket: bucket }, signal))) throw error;
    return missing(NO_LOCK_THERE, 'a hold stops our expiry, not whoever deletes versions', NEW_BUCKET);
  }
  const deleted = await succeeds(client.send(new DeleteObjectCommand(object), { abortSignal: signal }));
  await call('held.json', () => hold('OFF')).catch(() => undefined);
  if (deleted) return broken('a version under a legal hold was deleted', 'holds are promised and not kept', NEW_BUCKET);
  if (await mayDelete(door))
    return works('a version under a legal hold cannot be deleted, and the hold can be released');
  return works(`a legal hold can be placed and released. ${NO_DELETION_TRIED}`);
}

const NO_LOCK_THERE = 'the bucket has no Object Lock';

async function lockFacts({ client, bucket, signal }: BucketDoor): Promise<string> {
  if ((await findBucketLock(client, bucket, signal)) !== 'on') return NO_LOCK_THERE;
  return 'the bucket has Object Lock and refuses to lock an object';
}

const NO_DELETION_TRIED =
  'The bucket locks each version, or these credentials may not delete any version, which is right for every role but deleteVersions; so deleting a locked one proves nothing';

/** Whether a refused deletion can be a lock's doing at all. */
async function mayDelete({ client, bucket, prefix, put, signal }: BucketDoor): Promise<boolean> {
  const versionId = await put('unlocked.json', new Uint8Array(1));
  const object = { Bucket: bucket, Key: `${prefix}unlocked.json`, ...(versionId && { VersionId: versionId }) };
  return succeeds(client.send(new DeleteObjectCommand(object), { abortSignal: signal }));
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

function isRefused(error: unknown): boolean {
  return error instanceof VaultError && error.code === 'VaultRefused';
}

function causeOf(error: unknown): unknown {
  return error instanceof VaultError ? error.cause : error;
}
