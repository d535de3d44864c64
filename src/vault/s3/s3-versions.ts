import {
  type DeleteMarkerEntry,
  DeleteObjectCommand,
  GetObjectLegalHoldCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type S3Client,
  type ObjectVersion as S3Version,
} from '@aws-sdk/client-s3';
import { VaultError } from '../../errors.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { ObjectVersion, VersionStore } from '../version-store.ts';
import { isKey, mustBeKey } from '../whole-object.ts';
import { cutOff, translateS3Error } from './s3-errors.ts';
import { readRetention, type S3Object } from './s3-locks.ts';
import type { S3Place } from './s3-store.ts';

/** The versions of a bucket's objects, for the collector's role alone: it needs s3:DeleteObjectVersion. */
export function createS3Versions(
  client: S3Client,
  place: S3Place,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): VersionStore {
  const { bucket, prefix } = place;
  const url = `s3://${bucket}/${prefix}`;
  return {
    url,
    listVersions: (below, signal) => listVersions(client, { ...place, below, url }, signal),
    async removeVersion({ key, versionId }, signal) {
      mustBeKey(key);
      const object = { Bucket: bucket, Key: prefix + key, VersionId: versionId };
      try {
        await client.send(new DeleteObjectCommand(object), { abortSignal: signal });
      } catch (error) {
        // A lock and a missing permission have the same name in S3; the version itself tells which it was.
        const lock = isDenied(error) ? await lockOf(client, object, { now: clock.now(), signal }) : undefined;
        if (lock === undefined) throw translateS3Error(error, key, url);
        const message = `${key} in ${url}: version ${versionId} is ${lock} and cannot be deleted`;
        throw new VaultError('ObjectLocked', message, { context: { key, versionId }, cause: error });
      }
    },
  };
}

interface Listing extends S3Place {
  readonly below: string;
  readonly url: string;
}

async function* listVersions(client: S3Client, listing: Listing, signal: AbortSignal): AsyncIterable<ObjectVersion> {
  const { bucket, prefix, below, url } = listing;
  let next: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
  while (next) {
    const command: ListObjectVersionsCommand = new ListObjectVersionsCommand({
      Bucket: bucket,
      Prefix: prefix + below,
      ...next,
    });
    const page = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
      throw translateS3Error(error, below, url);
    });
    // Objects and delete markers come in two lists; a page holds whole runs of keys in order.
    const found = [
      ...(page.Versions ?? []).map((version) => versionOf(version, { kind: 'object', prefix })),
      ...(page.DeleteMarkers ?? []).map((marker) => versionOf(marker, { kind: 'delete-marker', prefix })),
    ].filter((version) => version !== undefined);
    yield* found.sort(byKeyNewestFirst);
    next = page.IsTruncated === true ? markersOf(page) : undefined;
    if (next && next.KeyMarker === undefined) throw cutOff(below, url);
  }
}

function markersOf({ NextKeyMarker, NextVersionIdMarker }: ListObjectVersionsCommandOutput) {
  return {
    ...(NextKeyMarker !== undefined && { KeyMarker: NextKeyMarker }),
    ...(NextVersionIdMarker !== undefined && { VersionIdMarker: NextVersionIdMarker }),
  };
}

function versionOf(
  { Key, VersionId, IsLatest, LastModified, ...rest }: S3Version | DeleteMarkerEntry,
  { kind, prefix }: { readonly kind: ObjectVersion['kind']; readonly prefix: string },
): ObjectVersion | undefined {
  if (Key === undefined || VersionId === undefined) return undefined;
  const key = Key.slice(prefix.length);
  if (!isKey(key)) return undefined;
  return {
    key,
    versionId: VersionId,
    kind,
    latest: IsLatest === true,
    bytes: 'Size' in rest ? (rest.Size ?? 0) : 0,
    modifiedAt: LastModified ?? new Date(0),
  };
}

/** Two versions within one second have the same time; the latest one still comes first. */
function byKeyNewestFirst(a: ObjectVersion, b: ObjectVersion): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  if (a.latest !== b.latest) return a.latest ? -1 : 1;
  return b.modifiedAt.getTime() - a.modifiedAt.getTime();
}

/** In words; undefined when no lock is in the way. */
async function lockOf(
  client: S3Client,
  object: S3Object,
  { now, signal }: { readonly now: Date; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const retention = await readRetention(client, object, signal).catch(() => undefined);
  if (retention && retention.until > now) return `locked until ${retention.until.toISOString()} (${retention.mode})`;
  const command = new GetObjectLegalHoldCommand(object);
  const hold = await client.send(command, { abortSignal: signal }).catch(() => undefined);
  return hold?.LegalHold?.Status === 'ON' ? 'under a legal hold' : undefined;
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AccessDenied' || error.name === 'InvalidRequest');
}
