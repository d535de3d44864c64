import { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import { jsonLines } from './json-lines.ts';
import { keysAddRecipientCommand } from './keys-add-recipient.ts';
import { keysRotateCommand } from './keys-rotate.ts';
import { findStore } from './keys-target.ts';
import { terminalText } from './terminal-text.ts';

/** Who can open a vault. The keys themselves never leave their places (docs/operations/keys.md). */
export function keysCommand(deps: CliDeps): Command {
  const keys = new Command('keys').description('who can open a vault: list, rotate, add an offline recipient');
  for (const make of [keysListCommand, keysRotateCommand, keysAddRecipientCommand]) keys.addCommand(make(deps));
  return keys;
}

function keysListCommand({ stdout, stderr, signal }: CliDeps): Command {
  return new Command('list')
    .description('epochs, their dates and recipients, oldest first; needs no key')
    .argument('<vault>', 'name in temporal.config.ts, or a vault URL')
    .option('--json', 'one epoch per JSON line')
    .action(async (vault: string, { json }: { json?: true }) => {
      const { listKeys } = await import('../vault/index.ts');
      const onInvalid = (key: string, reason: string) => stderr.write(`ignored ${key}: ${terminalText(reason)}\n`);
      const { vaultId, epochs } = await listKeys({ store: await findStore(vault), signal, onInvalid });
      const lines = jsonLines(stdout);
      for (const epoch of epochs) {
        if (json) lines.item(epoch);
        else {
          stdout.write(`epoch ${epoch.epoch}  ${epoch.createdAt}  ${epoch.objects.join(' ')}\n`);
          for (const { kind, id, purposes } of epoch.recipients) {
            stdout.write(`  ${kind.padEnd(4)} ${terminalText(id)}  ${purposes.join(' ')}\n`);
          }
        }
      }
      if (json) lines.result({ vaultId, epochs: epochs.length });
    });
}
