import type { Vault } from '../vault/index.ts';

/** The configured vaults, opened once per process with the roots of this worker's role. */
export interface VaultDoor {
  /** By its configured name. VaultNotInitialized names the command that makes it. */
  open(name: string, signal: AbortSignal): Promise<Vault>;
  readonly names: readonly string[];
}
