import { loadConfig } from '../config/index.ts';
import { resolveVault } from '../config/resolve-names.ts';
import {
  openKeyService,
  openStore,
  openVault,
  type RootPurpose,
  systemClock,
  systemRandomBytes,
  type Vault,
} from '../vault/index.ts';
import { keyServiceName } from '../workers/open-vaults.ts';

/** A vault of the configuration, opened by this process itself: neither Temporal nor a worker is needed. */
export async function openConfiguredVault(
  named: string | undefined,
  roles: readonly RootPurpose[],
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly vault: Vault }> {
  const { config } = await loadConfig();
  const name = resolveVault(config, named);
  const { url, kmsKeyId } = config.vaults[name] ?? { url: '', kmsKeyId: '' };
  const vault = await openVault({
    store: openStore(url, { clock: systemClock }),
    keys: openKeyService(keyServiceName(kmsKeyId), { randomBytes: systemRandomBytes }),
    roles,
    clock: systemClock,
    randomBytes: systemRandomBytes,
    signal,
  });
  return { name, vault };
}
