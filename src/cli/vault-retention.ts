import { collectionOf } from '../config/collection.ts';
import { loadConfig } from '../config/index.ts';
import { resolveVault } from '../config/resolve-names.ts';
import {
  expirePoints,
  judgeVault,
  openKeyService,
  openStore,
  openVault,
  readRetainedPoints,
  systemClock,
  systemRandomBytes,
} from '../vault/index.ts';
import { keyServiceName } from '../workers/open-vaults.ts';
import type { RetentionDoor } from './deps.ts';

/** The vault itself, without Temporal and workers. Looking needs the meta root only, expiring the control root too. */
export async function openVaultRetention(
  named: string | undefined,
  access: 'read' | 'write',
  signal: AbortSignal,
): Promise<RetentionDoor> {
  const { config } = await loadConfig();
  const name = resolveVault(config, named);
  const { url, kmsKeyId } = config.vaults[name] ?? { url: '', kmsKeyId: '' };
  const { policy } = collectionOf(config, name);
  const vault = await openVault({
    store: openStore(url, { clock: systemClock }),
    keys: openKeyService(keyServiceName(kmsKeyId), { randomBytes: systemRandomBytes }),
    roles: access === 'read' ? ['meta'] : ['meta', 'control'],
    clock: systemClock,
    randomBytes: systemRandomBytes,
    signal,
  });
  return {
    rules: policy.vault,
    judge: () => judgeVault({ vault, policy, signal }),
    points: async () => (await readRetainedPoints({ vault, signal })).flatMap(([, points]) => points),
    expire: (onExpired) => expirePoints({ vault, policy, signal, onExpired }),
    close: () => vault.close(),
  };
}
