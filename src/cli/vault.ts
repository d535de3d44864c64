import { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import { vaultCheckCommand } from './vault-check.ts';
import { vaultDeleteVersionsCommand } from './vault-delete-versions.ts';
import { vaultGetCommand } from './vault-get.ts';
import { vaultInitCommand } from './vault-init.ts';
import { vaultInspectCommand } from './vault-inspect.ts';
import { vaultPutCommand } from './vault-put.ts';
import { vaultRebuildCatalogCommand } from './vault-rebuild-catalog.ts';
import { vaultVerifyCommand } from './vault-verify.ts';

const COMMANDS = [
  vaultCheckCommand,
  vaultInitCommand,
  vaultPutCommand,
  vaultGetCommand,
  vaultInspectCommand,
  vaultVerifyCommand,
  vaultRebuildCatalogCommand,
  vaultDeleteVersionsCommand,
];

/** Work on a vault itself, named by its URL: no Temporal, no configuration. */
export function vaultCommand(deps: CliDeps): Command {
  const vault = new Command('vault').description('work on a vault by its URL; needs no Temporal and no configuration');
  for (const make of COMMANDS) vault.addCommand(make(deps));
  return vault;
}
