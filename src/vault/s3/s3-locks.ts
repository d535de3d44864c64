import {
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { LockMode, ObjectRetention } from '../object-store.ts';
import { extensionOf } from '../retention.ts';
import { cannotLock, missing } from '../whole-object.ts';

/** One object; without a version the newest. */
export interface S3Object {
  readonly Bucket: string;
  readonly Key: string;
  readonly VersionId?: string;
}

/** The words S3 has for our modes. */
export const LOCK_MODES = { governance: 'GOVERNANCE', compliance: 'COMPLIANCE' } as const;

/** Undefined when the object is not locked or its bucket cannot lock; it may have run out. */
export async function readRetention(
  client: S3Client,
  object: S3Object,
  signal: AbortSignal,
): Promise<ObjectRetention | undefined> {
  try {
    const { Retention } = await client.send(new GetObjectRetentionCommand(object), { abortSignal: signal });
    const mode = modeOf(Retention?.Mode);
    return mode && Retention?.RetainUntilDate ? { mode, until: Retention.RetainUntilDate } : undefined;
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchObjectLockConfiguration') return undefined;
    if (await isLockUnsupported(error, { client, Bucket: object.Bucket }, signal)) return undefined;
    throw error;
  }
}

/** Reads first, writes only what extends. Repeatable: what is locked long enough is left alone. */
export async function extendRetention(
  client: S3Client,
  { object, wanted, now }: { readonly object: S3Object; readonly wanted: ObjectRetention; readonly now: Date },
  signal: AbortSignal,
): Promise<ObjectRetention> {
  const held = await readRetention(client, object, signal);
  const extension = extensionOf(held, wanted, now);
  if (!extension) return held ?? wanted;
  const put = async ({ mode, until }: ObjectRetention) => {
    const Retention = { Mode: LOCK_MODES[mode], RetainUntilDate: until };
    await client.send(new PutObjectRetentionCommand({ ...object, Retention }), { abortSignal: signal });
    return { mode, until };
  };
  try {
    return await put(extension);
  } catch (error) {
    // Some servers refuse another mode even when the old lock has run out; the same mode they take.
    if (!held || held.mode === extension.mode || !isRefusal(error)) throw error;
    return put({ ...extension, mode: held.mode });
  }
}

export async function putLegalHold(
  client: S3Client,
  { object, on }: { readonly object: S3Object; readonly on: 'ON' | 'OFF' },
  signal: AbortSignal,
): Promise<void> {
  const command = new PutObjectLegalHoldCommand({ ...object, LegalHold: { Status: on } });
  await client.send(command, { abortSignal: signal });
}

/** What is asked of an object's lock may find no lock, or only a delete marker; anything else passes unchanged. */
export async function lockRefusal(
  error: unknown,
  { client, key, place: { bucket, url } }: LockCall,
  signal: AbortSignal,
): Promise<unknown> {
  if (error instanceof Error && error.name === 'MethodNotAllowed') return missing(key, url, error);
  return (await isLockUnsupported(error, { client, Bucket: bucket }, signal)) ? cannotLock(key, url, error) : error;
}

interface LockCall {
  readonly client: S3Client;
  readonly key: string;
  readonly place: { readonly bucket: string; readonly url: string };
}

/**
 * Whether a refusal comes from a bucket without Object Lock. S3 has no name of its own for it: InvalidRequest, "Bucket is
 * missing Object Lock Configuration". Other servers word it otherwise or not at all (Ceph's gateway, SeaweedFS); then the
 * bucket is asked, as far as the credentials may.
 */
export async function isLockUnsupported(
  error: unknown,
  { client, Bucket }: { readonly client: S3Client; readonly Bucket: string },
  signal: AbortSignal,
): Promise<boolean> {
  if (!(error instanceof Error)) return false;
  if (isNoLock(error)) return true;
  if (error.name !== 'InvalidRequest') return false;
  if (/missing\s+object\s*lock\s*configuration/i.test(error.message)) return true;
  return (await findBucketLock(client, Bucket, signal)) === 'off';
}

/** Undefined when it cannot be told. */
export async function findBucketLock(
  client: S3Client,
  Bucket: string,
  signal: AbortSignal,
): Promise<'on' | 'off' | undefined> {
  try {
    const command = new GetObjectLockConfigurationCommand({ Bucket });
    const { ObjectLockConfiguration } = await client.send(command, { abortSignal: signal });
    return ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled' ? 'on' : 'off';
  } catch (error) {
    return isNoLock(error) ? 'off' : undefined;
  }
}

/** Said by name, of a bucket or of one of its objects. */
export function isNoLock(error: unknown): boolean {
  return error instanceof Error && NO_LOCK.has(error.name);
}

const NO_LOCK = new Set(['ObjectLockConfigurationNotFoundError', 'NotImplemented']);

function modeOf(text: string | undefined): LockMode | undefined {
  if (text === 'GOVERNANCE') return 'governance';
  return text === 'COMPLIANCE' ? 'compliance' : undefined;
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AccessDenied' || error.name === 'InvalidRequest');
}
