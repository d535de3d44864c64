import { loadConfig } from '../config/index.ts';
import { resolveVault } from '../config/resolve-names.ts';
import { ConfigurationError } from '../errors.ts';
import { openKeyService, openStore, openVault, systemClock, systemRandomBytes, type Vault } from '../vault/index.ts';
import { keyServiceName } from '../workers/open-vaults.ts';
import { openVaultAt, type VaultAccess } from './vault-access.ts';

interface NamedAccess extends Omit<VaultAccess, 'url'> {
  /** Left out: the configuration's default, or the only one it has. */
  readonly url: string | undefined;
}

/** A vault by its URL and the key that was named, or by its name in temporal.config.ts. */
export async function openVaultByName({
  url: text,
  keys,
  roles,
  profile,
  lock: asked,
  threads,
  signal,
}: NamedAccess): Promise<Vault> {
  if (text?.includes('://')) return openVaultAt({ url: text, keys, roles, profile, lock: asked, threads, signal });
  if (keys.keyFile !== undefined || keys.kmsKey !== undefined || asked) {
    const what = asked ? 'lock' : 'key';
    const message = `the ${what} of ${text === undefined ? 'the vault' : `vault ${text}`} stands in temporal.config.ts; name a ${what} only together with a URL`;
    throw new ConfigurationError('InvalidInput', message);
  }
  const { config } = await loadConfig();
  const { url = '', kmsKeyId = '', lock } = config.vaults[resolveVault(config, text)] ?? {};
  return openVault({
    store: openStore(url, { clock: systemClock, profile }),
    keys: openKeyService(keyServiceName(kmsKeyId), { randomBytes: systemRandomBytes }),
    roles,
    ...(lock && { lock }),
    threads,
    clock: systemClock,
    randomBytes: systemRandomBytes,
    signal,
  });
}
