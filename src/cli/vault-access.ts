import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Command, Option } from 'commander';
import { ConfigurationError } from '../errors.ts';
import type { KeyService, ObjectStore, RootPurpose, Vault } from '../vault/index.ts';

/** How commands that know no configuration get at a vault's keys. */
export interface KeyOptions {
  readonly keyFile?: string;
  readonly kmsKey?: string;
}

export function addKeyOptions(command: Command): Command {
  return command
    .addOption(new Option('--key-file <path>', 'file of 64 hex digits that wraps the roots').conflicts('kmsKey'))
    .addOption(new Option('--kms-key <id>', 'KMS key id, alias or ARN that wraps the roots'));
}

/** Modules of the vault load here, when a command needs them: help must not wait for the AWS SDK. */
const library = () => import('../vault/index.ts');

export async function openStoreAt(url: string): Promise<ObjectStore> {
  const { openStore, systemClock } = await library();
  return openStore(url, { clock: systemClock });
}

/** Undefined when no key was named. */
export async function findKeys({ keyFile, kmsKey }: KeyOptions): Promise<KeyService | undefined> {
  const { openKeyService, systemRandomBytes } = await library();
  const named = keyFile === undefined ? kmsKey && `kms:${kmsKey}` : pathToFileURL(resolve(keyFile)).href;
  return named ? openKeyService(named, { randomBytes: systemRandomBytes }) : undefined;
}

export async function openKeys(options: KeyOptions): Promise<KeyService> {
  const keys = await findKeys(options);
  if (keys) return keys;
  throw new ConfigurationError('InvalidInput', 'no key was named; add --key-file <path> or --kms-key <id>');
}

export interface VaultAccess {
  readonly url: string;
  readonly keys: KeyOptions;
  readonly roles: readonly RootPurpose[];
  readonly signal: AbortSignal;
}

export async function openVaultAt({ url, keys, roles, signal }: VaultAccess): Promise<Vault> {
  const { openVault, systemClock, systemRandomBytes } = await library();
  return openVault({
    store: await openStoreAt(url),
    keys: await openKeys(keys),
    roles,
    clock: systemClock,
    randomBytes: systemRandomBytes,
    signal,
  });
}
