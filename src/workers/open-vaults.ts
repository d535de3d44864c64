import type { VaultDoor } from '../activities/vault-door.ts';
import type { Config } from '../config/schema.ts';
import { ConfigurationError } from '../errors.ts';
import {
  openKeyService,
  openStore,
  openVault,
  openVersions,
  type RootPurpose,
  systemClock,
  systemRandomBytes,
  type Vault,
  type VersionStore,
} from '../vault/index.ts';

export interface OpenVaults extends VaultDoor {
  close(): Promise<void>;
}

export interface VaultsRequest {
  readonly config: Config;
  /** Of this worker's role only. */
  readonly roles: readonly RootPurpose[];
  /** To work on the store under the collector's credentials, where the configuration names them. */
  readonly as?: 'collector';
  readonly log: (line: string) => void;
}

/** The configuration's vaults, each opened when first asked for, with the roots of one role only. */
export function openVaults({ config, roles, as, log }: VaultsRequest): OpenVaults {
  const opened = new Map<string, Promise<Vault>>();

  async function open(name: string, signal: AbortSignal): Promise<Vault> {
    const { url, kmsKeyId, lock, collect } = vaultConfig(config, name);
    return openVault({
      store: openStore(url, { clock: systemClock, profile: as && collect?.profile }),
      keys: openKeyService(keyServiceName(kmsKeyId), { randomBytes: systemRandomBytes }),
      roles,
      ...(lock && { lock }),
      clock: systemClock,
      randomBytes: systemRandomBytes,
      signal,
      onInvalid: (key, reason) => log(`vault ${name}: ${key} is not used: ${reason}`),
    });
  }

  return {
    names: Object.keys(config.vaults),
    open(name, signal) {
      const known = opened.get(name);
      if (known) return known;
      const opening = open(name, signal);
      opened.set(name, opening);
      // A vault that could not be opened is tried again by the next call.
      opening.catch(() => opened.delete(name));
      return opening;
    },
    async close() {
      // What could not be opened needs no closing, and its error is of the call that asked for it.
      const ended = await Promise.allSettled(opened.values());
      for (const one of ended) if (one.status === 'fulfilled') await one.value.close();
    },
  };
}

/** The versions behind a configured vault's objects, under a profile's credentials. */
export function openVaultVersions(config: Config, name: string, profile: string): VersionStore | undefined {
  return openVersions(vaultConfig(config, name).url, { clock: systemClock, profile });
}

/** How the vault library names the key of a configured vault. */
export function keyServiceName(kmsKeyId: string): string {
  return kmsKeyId.startsWith('file:') ? kmsKeyId : `kms:${kmsKeyId}`;
}

function vaultConfig(config: Config, name: string) {
  const found = config.vaults[name];
  if (found) return found;
  const known = Object.keys(config.vaults).join(', ');
  throw new ConfigurationError(
    'UnknownName',
    `vault "${name}" is not in this worker's configuration (defined: ${known})`,
  );
}
