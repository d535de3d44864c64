import { Command } from 'commander';
import type { RebuiltCatalog } from '../vault/index.ts';
import type { CliDeps } from './deps.ts';
import { jsonLines } from './json-lines.ts';
import { terminalText } from './terminal-text.ts';
import { addKeyOptions, type KeyOptions } from './vault-access.ts';

export function vaultRebuildCatalogCommand({ stdout, signal }: CliDeps): Command {
  const command = new Command('rebuild-catalog')
    .description("write the catalog's missing lines anew from the points alone, and name lines that are wrong")
    .argument('<vault>', 's3://bucket/prefix, file:///folder, or a name of temporal.config.ts')
    .option('--json', 'one result as JSON');
  return addKeyOptions(command).action(async (url: string, { json, ...keys }: KeyOptions & { json?: true }) => {
    const { openVaultByName } = await import('./vault-by-name.ts');
    const { rebuildCatalog } = await import('../vault/index.ts');
    const vault = await openVaultByName({ url, keys, roles: ['meta'], signal });
    try {
      const rebuilt = await rebuildCatalog({ vault, signal });
      if (json) jsonLines(stdout).result(rebuilt);
      else stdout.write(describeCatalog(rebuilt));
    } finally {
      await vault.close();
    }
  });
}

function describeCatalog({ points, written, wrong, stray }: RebuiltCatalog): string {
  const lines = [
    ...written.map((key) => `written  ${key}`),
    ...wrong.map(({ key, found }) => `wrong    ${key}: ${terminalText(found)}; remove it and run this again`),
    ...stray.map((key) => `stray    ${key} is of no point of this vault`),
    `catalog  ${points} points: ${written.length} lines written, ${wrong.length} wrong, ${stray.length} stray`,
  ];
  return `${lines.join('\n')}\n`;
}
