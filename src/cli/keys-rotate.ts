import { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import { jsonLines } from './json-lines.ts';
import { findService, findStore } from './keys-target.ts';
import { addKeyOptions, type KeyOptions } from './vault-access.ts';

interface RotateOptions extends KeyOptions {
  readonly without?: string[];
  readonly json?: true;
}

export function keysRotateCommand({ stdout, stderr, signal }: CliDeps): Command {
  const command = new Command('rotate')
    .description('give the vault new keys for what is written from now on; nothing is rewritten')
    .argument('<vault>', 'name in temporal.config.ts, or a vault URL')
    .option('--without <id...>', 'recipients that shall not open what is written from now on')
    .option('--json', 'one result as JSON');
  return addKeyOptions(command).action(async (name: string, options: RotateOptions) => {
    const { openNotedRecipient, openVault, rotateKeys, systemClock, systemRandomBytes } = await import(
      '../vault/index.ts'
    );
    const store = await findStore(name);
    const service = await findService(name, options);
    const injected = { clock: systemClock, randomBytes: systemRandomBytes };
    const vault = await openVault({ store, keys: service, roles: ['meta', 'control'], ...injected, signal });
    try {
      const { without = [], json } = options;
      const openRecipient = (kind: string, id: string) => openNotedRecipient({ kind, id }, injected);
      const done = await rotateKeys({ vault, service, openRecipient, without, signal });
      if (json) return jsonLines(stdout).result({ ...done, vaultId: vault.vaultId });
      if (!done.created) stderr.write('another rotation was faster; nothing was written\n');
      stdout.write(`epoch ${done.epoch}  runs that begin from now on write under it\n`);
    } finally {
      await vault.close();
    }
  });
}
