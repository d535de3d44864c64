import {
  openKeyService,
  openStore,
  openVault,
  systemClock,
  systemRandomBytes,
  type Vault,
} from '../../src/vault/index.ts';
import { keyServiceName } from '../../src/workers/open-vaults.ts';
import type { LabStatus } from './lab-status.ts';

/** The lab's vault, to read. Needs the lab's variables in `process.env`, as every program that opens a vault does. */
export function openLabVault({ vault: { url, kmsKeyId } }: LabStatus, signal: AbortSignal): Promise<Vault> {
  return openVault({
    store: openStore(url, { clock: systemClock }),
    keys: openKeyService(keyServiceName(kmsKeyId), { randomBytes: systemRandomBytes }),
    roles: ['data', 'meta'],
    clock: systemClock,
    randomBytes: systemRandomBytes,
    signal,
  });
}
