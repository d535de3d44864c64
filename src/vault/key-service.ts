/** What a root key is for; see docs/vault-format.md. Roles hold only the roots they need. */
export type RootPurpose = 'data' | 'meta' | 'control';

export const ROOT_BYTES = 32;

/** Which root of which vault. A wrap is bound to vault and purpose, so it cannot pass for another. */
export interface RootName {
  readonly vaultId: string;
  readonly epoch: number;
  readonly purpose: RootPurpose;
}

/** Somebody a root may be wrapped for. Wrapping needs nothing secret, or only the right to encrypt. */
export interface RootRecipient {
  /** 'kms', 'file' or 'age': which wraps of `keys/<epoch>.json` are of this sort. */
  readonly kind: string;
  /** What it is asked for by: a KMS id, ARN or alias, the name of a file, `age1…`. */
  readonly keyId: string;
  wrap(root: Uint8Array, name: RootName, signal: AbortSignal): Promise<WrappedRoot>;
}

export interface WrappedRoot {
  /** The recipient as the vault notes it, for people: a KMS ARN, a file's name, `age1…`. */
  readonly keyId: string;
  readonly wrapped: Uint8Array;
}

/**
 * Makes and opens root keys (32 random bytes each) without keeping them.
 * Errors: VaultError KeyUnusable (permanent), VaultUnreachable (transient).
 */
export interface KeyService extends RootRecipient {
  /** A fresh root bound to this vault and purpose; only `wrapped` may be stored. */
  newRoot(name: RootName, signal: AbortSignal): Promise<NewRoot>;
  /** Fails with KeyUnusable when `wrapped` belongs to another vault or purpose. */
  unwrap(wrapped: Uint8Array, name: RootName, signal: AbortSignal): Promise<Uint8Array>;
}

export interface NewRoot extends WrappedRoot {
  readonly key: Uint8Array;
}
