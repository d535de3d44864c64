import { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import { jsonLines } from './json-lines.ts';
import { addLockOptions, type LockOptions, lockOf } from './lock-options.ts';
import { addKeyOptions, type KeyOptions, openKeys, openStoreAt } from './vault-access.ts';

export function vaultInitCommand({ stdout, signal }: CliDeps): Command {
  const command = new Command('init')
    .description('make a vault of an empty bucket prefix or folder; repeatable')
    .argument('<vault-url>', 's3://bucket/prefix or file:///folder')
    .option('--recipient <age1...>', 'age recipients that can read the vault without that key')
    .option('--json', 'one result as JSON');
  return addLockOptions(addKeyOptions(command)).action(
    async (url: string, options: KeyOptions & LockOptions & { json?: true; recipient?: string[] }) => {
      const { initVault, openRecipient, systemClock, systemRandomBytes } = await import('../vault/index.ts');
      const { recipient: recipients = [] } = options;
      const lock = lockOf(options);
      const { vaultId, created } = await initVault({
        store: await openStoreAt(url),
        keys: await openKeys(options),
        recipients: await Promise.all(
          recipients.map((each) => openRecipient(each, { randomBytes: systemRandomBytes })),
        ),
        clock: systemClock,
        randomBytes: systemRandomBytes,
        ...(lock && { lock }),
        signal,
      });
      if (options.json) jsonLines(stdout).result({ url, vaultId, created });
      else stdout.write(`${created ? 'created' : 'unchanged'}  vault ${vaultId} at ${url}\n`);
    },
  );
}
