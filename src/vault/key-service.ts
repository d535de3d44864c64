/** What a root key is for; see docs/vault-format.md. Roles hold only the roots they need. */
export type RootPurpose = 'data' | 'meta' | 'control';

/**
 * Makes and opens root keys (32 random bytes each) without keeping them.
 * Errors: VaultError KeyUnusable (permanent), VaultUnreachable (transient).
 */
export interface KeyService {
  /** Which wraps of `keys/<epoch>.json` are this service's: 'kms', 'file', later 'age'. */
  readonly kind: string;
  /** The id of the wrapping key, for people: a KMS ARN, or a file's name. */
  readonly keyId: string;
  /** A fresh root bound to this vault and purpose; only `wrapped` may be stored. */
  newRoot(purpose: RootPurpose, vaultId: string, signal: AbortSignal): Promise<NewRoot>;
  /** Fails with KeyUnusable when `wrapped` belongs to another vault or purpose. */
  unwrap(wrapped: Uint8Array, purpose: RootPurpose, vaultId: string, signal: AbortSignal): Promise<Uint8Array>;
}

export interface NewRoot {
  readonly key: Uint8Array;
  readonly wrapped: Uint8Array;
}
