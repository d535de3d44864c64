/**
 * The versions behind a vault's objects, for stores that keep them. Only the collector's `deleteVersions` uses it, with
 * a role of its own: nothing else in this project can destroy bytes in a versioned bucket.
 * Errors: as ObjectStore, and ObjectLocked.
 */
export interface VersionStore {
  /** For messages: the vault's URL, without credentials. */
  readonly url: string;
  /** Every version and delete marker below the prefix, in key order, newest first; names as ObjectStore lists them. */
  listVersions(prefix: string, signal: AbortSignal): AsyncIterable<ObjectVersion>;
  /** For good. Repeatable. ObjectLocked while a retention or a legal hold forbids it; a governance lock is never bypassed. */
  removeVersion(version: Pick<ObjectVersion, 'key' | 'versionId'>, signal: AbortSignal): Promise<void>;
}

export interface ObjectVersion {
  readonly key: string;
  readonly versionId: string;
  readonly kind: 'object' | 'delete-marker';
  /** What a plain read meets: the object, or nothing when it is a delete marker. */
  readonly latest: boolean;
  /** 0 for a delete marker. */
  readonly bytes: number;
  readonly modifiedAt: Date;
}
