import type { Command } from 'commander';
import type { Manifest, Vault } from '../vault/index.ts';
import { addKeyOptions, type KeyOptions } from './vault-access.ts';

/** How commands that use a recovery point find it. */
export interface PointOptions extends KeyOptions {
  readonly vault?: string;
  readonly machine?: string;
}

export function addPointOptions(command: Command): Command {
  return addKeyOptions(
    command
      .option('--vault <name>', 'name of the vault in temporal.config.ts, or its URL together with a key')
      .option('--machine <id>', 'with latest: of this machine'),
  );
}

export interface OpenPoint {
  readonly vault: Vault;
  readonly manifest: Manifest;
}

/** The point and its open vault, which the caller closes. Opened for its data. */
export async function openPoint(pointId: string, options: PointOptions, signal: AbortSignal): Promise<OpenPoint> {
  const { findPoint } = await import('../vault/index.ts');
  const vault = await openNamed(options, signal);
  try {
    return { vault, manifest: await findPoint({ vault, pointId, machineId: options.machine, signal }) };
  } catch (error) {
    await vault.close();
    throw error;
  }
}

async function openNamed(options: PointOptions, signal: AbortSignal): Promise<Vault> {
  const { openVaultByName } = await import('./vault-by-name.ts');
  return openVaultByName({ url: options.vault, keys: options, roles: ['data', 'meta'], signal });
}
