import type { Vault } from '../vault/index.ts';
import type { PointOptions } from './point-access.ts';

/** A vault as searches need it: names stand in indexes, which the meta root opens. */
export interface SearchVault {
  readonly vault: Vault;
  /** With the data root, too, once a point has no index: its disks must be read. Opened once. */
  openData(): Promise<Vault>;
  close(): Promise<void>;
}

export async function openSearchVault(options: PointOptions, signal: AbortSignal): Promise<SearchVault> {
  const { openVaultByName } = await import('./vault-by-name.ts');
  const named = { url: options.vault, keys: options, signal };
  const vault = await openVaultByName({ ...named, roles: ['meta'] });
  let opened: Promise<Vault> | undefined;
  return {
    vault,
    openData() {
      opened ??= openVaultByName({ ...named, roles: ['data', 'meta'] });
      return opened;
    },
    async close() {
      await vault.close();
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}
