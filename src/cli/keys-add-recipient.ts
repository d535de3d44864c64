import { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import { jsonLines } from './json-lines.ts';
import { findService, findStore } from './keys-target.ts';
import { addKeyOptions, type KeyOptions } from './vault-access.ts';

interface AddOptions extends KeyOptions {
  readonly withControl?: true;
  readonly json?: true;
}

export function keysAddRecipientCommand({ stdout, signal }: CliDeps): Command {
  const command = new Command('add-recipient')
    .description('let somebody else open the vault, every epoch of it: an age identity on paper, a second KMS key')
    .argument('<vault>', 'name in temporal.config.ts, or a vault URL')
    .argument('<recipient>', 'age1…, kms:<key id or ARN> or file:///path/of/key')
    .option('--with-control', 'may also expire points and rotate keys; without it, it can only read')
    .option('--json', 'one result as JSON');
  return addKeyOptions(command).action(async (name: string, named: string, options: AddOptions) => {
    const { addRecipient, openRecipient, openVault, systemClock, systemRandomBytes } = await import(
      '../vault/index.ts'
    );
    const injected = { clock: systemClock, randomBytes: systemRandomBytes };
    const recipient = await openRecipient(named, injected);
    const store = await findStore(name);
    const keys = await findService(name, options);
    const vault = await openVault({ store, keys, roles: ['data', 'meta', 'control'], ...injected, signal });
    try {
      const { withControl = false, json } = options;
      const { id, objects } = await addRecipient({ vault, recipient, withControl, signal });
      if (json) return jsonLines(stdout).result({ vaultId: vault.vaultId, recipient: id, objects });
      const what = objects.length > 0 ? `created ${objects.join(' ')}` : 'unchanged: it opens every epoch already';
      stdout.write(`${recipient.kind} ${id}  ${what}\n`);
    } finally {
      await vault.close();
    }
  });
}
