import { Command, InvalidArgumentError } from 'commander';
import { ConfigurationError } from '../errors.ts';
import type { DeletedVersions } from '../vault/index.ts';
import type { CliDeps } from './deps.ts';
import { formatBytes } from './format.ts';
import { jsonLines } from './json-lines.ts';
import { addKeyOptions, type KeyOptions } from './vault-access.ts';

interface DeleteVersionsOptions extends KeyOptions {
  readonly olderThan: number;
  readonly profile?: string;
  readonly json?: true;
}

const DEFAULT_DAYS = 30;

export function vaultDeleteVersionsCommand(deps: CliDeps): Command {
  const command = new Command('delete-versions')
    .description(
      'destroy the older versions of what executed collections removed; for buckets without a lifecycle rule',
    )
    .argument('<vault>', 's3://bucket/prefix, or a name of temporal.config.ts')
    .option('--older-than <days>', 'only of what was removed so many days ago', days, DEFAULT_DAYS)
    .option('--profile <name>', "AWS profile with the version deleter's credentials; default: those of the environment")
    .option('--json', 'one result as JSON');
  return addKeyOptions(command).action((vault: string, options: DeleteVersionsOptions) =>
    runDeleteVersions(vault, options, deps),
  );
}

async function runDeleteVersions(
  name: string,
  { olderThan, profile, json, ...keys }: DeleteVersionsOptions,
  { stdout, stderr, signal }: CliDeps,
): Promise<void> {
  const { openVaultByName } = await import('./vault-by-name.ts');
  const { deleteVersions, openVersions, systemClock } = await import('../vault/index.ts');
  const vault = await openVaultByName({ url: name, keys, roles: ['meta'], profile, signal });
  try {
    const { url } = vault.store;
    const versions = openVersions(url, { clock: systemClock, profile });
    if (!versions) throw new ConfigurationError('InvalidInput', `${url} is a folder, which keeps no versions`);
    const done = await deleteVersions({
      vault,
      versions,
      olderThanMs: olderThan * 86_400_000,
      signal,
      onRemoved: ({ key, versionId }) => stderr.write(`destroyed  ${key} ${versionId}\n`),
    });
    if (json) jsonLines(stdout).result(done);
    else stdout.write(describeDeleted(done));
  } finally {
    await vault.close();
  }
}

function describeDeleted({ removed, bytes, young, locked }: DeletedVersions): string {
  const later = young + locked === 0 ? '' : `; another time: ${young} removed too short a time ago, ${locked} locked`;
  return `destroyed  ${removed} versions (${formatBytes(bytes)})${later}\n`;
}

function days(text: string): number {
  if (/^(0|[1-9]\d{0,4})d?$/.test(text)) return Number.parseInt(text, 10);
  throw new InvalidArgumentError('give a number of days, such as 30.');
}
