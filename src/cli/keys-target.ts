import { loadConfig } from '../config/index.ts';
import { resolveVault } from '../config/resolve-names.ts';
import { ConfigurationError } from '../errors.ts';
import type { KeyService, ObjectStore } from '../vault/index.ts';
import { type KeyOptions, openKeys, openStoreAt } from './vault-access.ts';

const isUrl = (vault: string) => vault.includes('://');

/** The store of a vault by its URL, or by its name in temporal.config.ts. */
export async function findStore(vault: string): Promise<ObjectStore> {
  if (isUrl(vault)) return openStoreAt(vault);
  return openStoreAt((await configured(vault)).url);
}

/** The key that was named, else the one of the configuration. An identity may be named for a configured vault, too. */
export async function findService(vault: string, options: KeyOptions): Promise<KeyService> {
  if (isUrl(vault) || Object.keys(options).some((name) => ['keyFile', 'kmsKey', 'identity'].includes(name))) {
    return openKeys(options);
  }
  const { openKeyService, systemRandomBytes } = await import('../vault/index.ts');
  const { keyServiceName } = await import('../workers/open-vaults.ts');
  const { kmsKeyId } = await configured(vault);
  return openKeyService(keyServiceName(kmsKeyId), { randomBytes: systemRandomBytes });
}

async function configured(named: string) {
  const { config } = await loadConfig();
  const name = resolveVault(config, named);
  const vault = config.vaults[name];
  if (vault) return vault;
  throw new ConfigurationError('UnknownName', `vault "${name}" is not in temporal.config.ts`);
}
