import { readExtract } from '../vault/index.ts';
import { openConfiguredVault } from './configured-vault.ts';
import type { Extracts } from './deps.ts';

/** Data and meta roots, as `recover` needs them: what was taken out is what the machine held. */
export async function openVaultExtracts(named: string | undefined, signal: AbortSignal): Promise<Extracts> {
  const { vault } = await openConfiguredVault(named, ['data', 'meta'], signal);
  return {
    read: ({ runId, extract: { parts, sha256 } }) => readExtract({ vault, runId, parts, sha256, signal }),
    close: () => vault.close(),
  };
}
