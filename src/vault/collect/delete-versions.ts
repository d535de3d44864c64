import { VaultError } from '../../errors.ts';
import { sealDocument } from '../documents.ts';
import { gcVersionsKey } from '../object-keys.ts';
import { createdFirst } from '../presence.ts';
import type { Vault } from '../vault.ts';
import type { ObjectVersion, VersionStore } from '../version-store.ts';
import { readPage, readPlan } from './execute-plan.ts';
import { GC_VERSIONS, type GcVersions } from './gc-documents.ts';
import { listPlans } from './list-plans.ts';

export interface DeleteVersionsRequest {
  /** Opened with the meta root. */
  readonly vault: Vault;
  /** With credentials of its own: nobody else in this project may destroy bytes of a versioned bucket. */
  readonly versions: VersionStore;
  /** How long an object stays recoverable after its collection. */
  readonly olderThanMs: number;
  readonly signal: AbortSignal;
  readonly onRemoved?: (version: ObjectVersion) => void;
}

export interface DeletedVersions {
  readonly removed: number;
  readonly bytes: number;
  /** Younger than asked: another time. */
  readonly young: number;
  /** A lock or a hold forbids it: another time. */
  readonly locked: number;
}

/**
 * For buckets without a lifecycle rule: destroys the older versions of what executed collections have removed, and of
 * nothing else. An object that is there again (its delete marker is not the newest version) is left alone. Repeatable.
 */
export async function deleteVersions(request: DeleteVersionsRequest): Promise<DeletedVersions> {
  const { vault, signal } = request;
  const all = { removed: 0, bytes: 0, young: 0, locked: 0 };
  for (const { gcId, executed, versionsRemoved } of await listPlans(vault, signal)) {
    if (!executed || versionsRemoved) continue;
    const done = await deleteOfPlan(request, gcId);
    for (const field of ['removed', 'bytes', 'young', 'locked'] as const) all[field] += done[field];
    if (done.young === 0 && done.locked === 0) await writeDone(vault, { gcId, done, signal });
  }
  return all;
}

async function deleteOfPlan(request: DeleteVersionsRequest, gcId: string): Promise<DeletedVersions> {
  const { vault, signal } = request;
  const done = { removed: 0, bytes: 0, young: 0, locked: 0 };
  const { pages } = await readPlan(vault, gcId, signal);
  for (let number = 0; number < pages; number++) {
    const { objects } = await readPage(vault, gcId, number, signal);
    for (const { key } of objects) {
      const found = await versionsOf(request, key);
      const [newest] = found;
      if (newest?.kind !== 'delete-marker') continue;
      // What hides the others is as old as their removal.
      if (vault.clock.now().getTime() - newest.modifiedAt.getTime() < request.olderThanMs) done.young++;
      else await deleteOldestFirst(request, found, done);
    }
  }
  return done;
}

async function versionsOf({ versions, signal }: DeleteVersionsRequest, key: string): Promise<ObjectVersion[]> {
  const found: ObjectVersion[] = [];
  try {
    for await (const version of versions.listVersions(key, signal)) if (version.key === key) found.push(version);
    return found;
  } catch (error) {
    throw namingPermissions(error, versions.url);
  }
}

/** Everybody else of this project is denied this on purpose, so the refusal says whose it is. */
function namingPermissions(error: unknown, url: string): unknown {
  if (!(error instanceof VaultError) || error.code !== 'AccessDenied') return error;
  const message = `these credentials may not destroy versions in ${url}: that takes s3:ListBucketVersions and s3:DeleteObjectVersion, which only the version deleter has (docs/operations/bucket.md). ${error.message}`;
  return new VaultError('AccessDenied', message, { context: error.context, cause: error });
}

type Counts = { -readonly [Field in keyof DeletedVersions]: number };

/** The delete marker on top goes last, so that no older version comes to light. */
async function deleteOldestFirst(
  { versions, signal, onRemoved }: DeleteVersionsRequest,
  newestFirst: readonly ObjectVersion[],
  done: Counts,
): Promise<void> {
  for (const version of newestFirst.toReversed()) {
    try {
      await versions.removeVersion(version, signal);
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== 'ObjectLocked') throw namingPermissions(error, versions.url);
      done.locked++;
      return;
    }
    onRemoved?.(version);
    done.removed++;
    done.bytes += version.bytes;
  }
}

async function writeDone(
  vault: Vault,
  { gcId, done, signal }: { readonly gcId: string; readonly done: DeletedVersions; readonly signal: AbortSignal },
): Promise<void> {
  const key = gcVersionsKey(gcId);
  const removed = { objects: done.removed, bytes: done.bytes };
  const body: GcVersions = { gcId, finishedAt: vault.clock.now().toISOString(), removed };
  await createdFirst(vault.store.create(key, sealDocument(GC_VERSIONS, body, { vault, key }), signal));
}
