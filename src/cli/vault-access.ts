import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Command, Option } from 'commander';
import { ConfigurationError } from '../errors.ts';
import type { KeyService, LockPolicy, ObjectStore, RootPurpose, Vault } from '../vault/index.ts';
import type { Threads } from '../vault/threads.ts';

/** How commands that know no configuration get at a vault's keys. */
export interface KeyOptions {
  readonly keyFile?: string;
  readonly kmsKey?: string;
  readonly identity?: string;
}

export function addKeyOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--key-file <path>', 'file of 64 hex digits that wraps the roots').conflicts(['kmsKey', 'identity']),
    )
    .addOption(new Option('--kms-key <id>', 'KMS key id, alias or ARN that wraps the roots').conflicts('identity'))
    .addOption(new Option('--identity <path>', 'age identity of an offline recipient of the roots'));
}

/** Modules of the vault load here, when a command needs them: help must not wait for the AWS SDK. */
const library = () => import('../vault/index.ts');

export async function openStoreAt(url: string, profile?: string): Promise<ObjectStore> {
  const { openStore, systemClock } = await library();
  return openStore(url, { clock: systemClock, profile });
}

/** Undefined when no key was named. */
export async function findKeys(options: KeyOptions): Promise<KeyService | undefined> {
  const { openKeyService, systemRandomBytes } = await library();
  const named = keyName(options);
  return named === undefined ? undefined : openKeyService(named, { randomBytes: systemRandomBytes });
}

function keyName({ keyFile, kmsKey, identity }: KeyOptions): string | undefined {
  if (keyFile !== undefined) return pathToFileURL(resolve(keyFile)).href;
  if (identity !== undefined) return pathToFileURL(resolve(identity)).href.replace(/^file:/, 'age:');
  return kmsKey === undefined ? undefined : `kms:${kmsKey}`;
}

export async function openKeys(options: KeyOptions): Promise<KeyService> {
  const keys = await findKeys(options);
  if (keys) return keys;
  throw new ConfigurationError(
    'InvalidInput',
    'no key was named; add --kms-key <id>, --key-file <path> or --identity <path>',
  );
}

export interface VaultAccess {
  readonly url: string;
  readonly keys: KeyOptions;
  readonly roles: readonly RootPurpose[];
  /** Of AWS's shared files, instead of the environment's credentials. */
  readonly profile?: string | undefined;
  /** How what is written is locked; a configured vault has its own. */
  readonly lock?: LockPolicy | undefined;
  /** Those that were started already. */
  readonly threads?: Threads | undefined;
  readonly signal: AbortSignal;
}

export async function openVaultAt({ url, keys, roles, profile, lock, threads, signal }: VaultAccess): Promise<Vault> {
  const { openVault, systemClock, systemRandomBytes } = await library();
  return openVault({
    store: await openStoreAt(url, profile),
    keys: await openKeys(keys),
    roles,
    ...(lock && { lock }),
    threads,
    clock: systemClock,
    randomBytes: systemRandomBytes,
    signal,
  });
}
