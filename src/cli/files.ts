import { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import { filesCatCommand } from './files-cat.ts';
import { filesGetCommand } from './files-get.ts';
import { filesLsCommand } from './files-ls.ts';

export function filesCommand(deps: CliDeps): Command {
  return new Command('files')
    .description('files of a recovery point, straight from the vault: nothing is booted, no more is read than needed')
    .addCommand(filesLsCommand(deps))
    .addCommand(filesCatCommand(deps))
    .addCommand(filesGetCommand(deps));
}
