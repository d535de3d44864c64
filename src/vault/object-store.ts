/**
 * Where a vault's objects live; all are immutable.
 *
 * Order: once `create` resolves, every later call from any process sees the object.
 * Errors: VaultError with ObjectExists, ObjectMissing, ObjectDamaged, AccessDenied, VaultUnreachable or SlowDown; any
 * other is an adapter's bug.
 */
export interface ObjectStore {
  /** For messages: the vault's URL, without credentials. */
  readonly url: string;
  /**
   * Atomic: one winner per key, ObjectExists for the rest. Repeatable: a store that already holds exactly `body` counts
   * as created, so a lost reply can be answered by calling again. Once it settles, the caller may reuse `body`.
   */
  create(key: string, body: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Resolves only with bytes that match the stored checksum (whole objects) or whose length is the asked one (ranges). */
  get(key: string, signal: AbortSignal, range?: ByteRange): Promise<Uint8Array>;
  /** Size of an object; ObjectMissing when there is none. */
  head(key: string, signal: AbortSignal): Promise<ObjectFacts>;
  /** In key order, each key once. Objects created meanwhile may or may not appear. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<ObjectFacts>;
}

/** `offset` counts from the start; a negative offset counts from the end (a suffix range; then `length` is `-offset`). */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface ObjectFacts {
  readonly key: string;
  readonly bytes: number;
}
