import {
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
    if (error instanceof Error && (error.name === 'NoSuchObjectLockConfiguration' || isLockUnsupported(error)))
      return undefined;
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
export function lockRefusal(error: unknown, key: string, url: string): unknown {
  if (error instanceof Error && error.name === 'MethodNotAllowed') return missing(key, url, error);
  return isLockUnsupported(error) ? cannotLock(key, url, error) : error;
}

/** A bucket without Object Lock says so in these words. */
export function isLockUnsupported(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const byName = error.name === 'ObjectLockConfigurationNotFoundError' || error.name === 'NotImplemented';
  // S3 has no name of its own for it: InvalidRequest, "Bucket is missing Object Lock Configuration".
  const byText = error.name === 'InvalidRequest' && /missing\s+object\s*lock\s*configuration/i.test(error.message);
  return byName || byText;
}

function modeOf(text: string | undefined): LockMode | undefined {
  if (text === 'GOVERNANCE') return 'governance';
  return text === 'COMPLIANCE' ? 'compliance' : undefined;
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AccessDenied' || error.name === 'InvalidRequest');
}
