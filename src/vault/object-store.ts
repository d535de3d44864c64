/**
 * Where a vault's objects live; all are immutable.
 *
 * Order: once `create` or `remove` resolves, every later call from any process sees it.
 * Errors: VaultError with ObjectExists, ObjectMissing, ObjectDamaged, AccessDenied, LockUnsupported, VaultUnreachable or
 * SlowDown; any other is an adapter's bug.
 */
export interface ObjectStore {
  /** For messages: the vault's URL, without credentials. */
  readonly url: string;
  /**
   * Atomic: one winner per key, ObjectExists for the rest. Repeatable: a store that already holds exactly `body` counts
   * as created, so a lost reply can be answered by calling again; a retention asked for then holds too. Once it settles,
   * the caller may reuse `body`.
   */
  create(key: string, body: Uint8Array, signal: AbortSignal, options?: CreateOptions): Promise<void>;
  /**
   * Resolves only with bytes that match the stored checksum (whole objects) or whose length is the asked one (ranges).
   * They are the caller's alone, who may give them back. FormatError for a whole object larger than `atMost`. Once it
   * settles, nothing is written into `room` any more.
   */
  get(key: string, signal: AbortSignal, part?: ByteRange | SizeLimit): Promise<Uint8Array>;
  /** Size of an object; ObjectMissing when there is none. */
  head(key: string, signal: AbortSignal): Promise<ObjectFacts>;
  /**
   * In key order, each key once. Objects created or removed meanwhile may or may not appear. What has no name of an object
   * (whole-object.ts) is passed over: whoever may only add objects must not stop a reader by a name that nobody can read.
   */
  list(prefix: string, signal: AbortSignal): AsyncIterable<ObjectFacts>;
  /**
   * Makes sure that nobody can delete the object before `until`; never shortens a lock and never weakens its mode.
   * Repeatable. Resolves with the lock that holds now: a governance lock that has not run out stays governance, since
   * stores refuse the change to compliance. LockUnsupported where the store cannot lock.
   */
  retain(key: string, retention: ObjectRetention, signal: AbortSignal): Promise<ObjectRetention>;
  /** The lock that holds now; undefined when there is none or the store cannot lock. */
  retentionOf(key: string, signal: AbortSignal): Promise<ObjectRetention | undefined>;
  /** Nobody can delete the object until the hold is released, whatever its retention. Repeatable. */
  placeHold(key: string, signal: AbortSignal): Promise<void>;
  /** Repeatable; no error where there is no hold. */
  releaseHold(key: string, signal: AbortSignal): Promise<void>;
  /**
   * The object is gone for every later call. Repeatable: removing what is not there succeeds. Its key must not be used
   * again: S3 would allow it, other servers answer ObjectExists. Where the bucket keeps
   * versions it only leaves a delete marker, so a locked object may be removed and its bytes stay (version-store.ts).
   */
  remove(key: string, signal: AbortSignal): Promise<void>;
}

export interface CreateOptions {
  /** Locked from the first moment on. */
  readonly retention?: ObjectRetention;
}

/** Governance can be lifted by whoever holds s3:BypassGovernanceRetention, compliance by nobody. */
export type LockMode = 'governance' | 'compliance';

export interface ObjectRetention {
  readonly mode: LockMode;
  readonly until: Date;
}

/** `offset` counts from the start; a negative offset counts from the end (a suffix range; then `length` is `-offset`). */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
  /** At least `length` bytes. What comes back is a view of it where the store can fill it, and bytes of its own elsewhere. */
  readonly room?: Uint8Array;
}

/** A larger object is not loaded: somebody who may write put it there. */
export interface SizeLimit {
  readonly atMost: number;
}

export interface ObjectFacts {
  readonly key: string;
  readonly bytes: number;
}
