import type { Command } from 'commander';
import type { Manifest, Vault } from '../vault/index.ts';
import type { CliDeps } from './deps.ts';
import { tellUnreadable } from './unreadable-point.ts';
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

type Told = Pick<CliDeps, 'signal'> & Partial<Pick<CliDeps, 'stderr'>>;

/** The point and its open vault, which the caller closes. Opened for its data. */
export async function openPoint(pointId: string, options: PointOptions, { signal, stderr }: Told): Promise<OpenPoint> {
  const { findPoint } = await import('../vault/index.ts');
  const vault = await openNamed(options, signal);
  try {
    return {
      vault,
      manifest: await findPoint({
        vault,
        pointId,
        machineId: options.machine,
        onUnreadable: stderr && tellUnreadable({ stderr }),
        signal,
      }),
    };
  } catch (error) {
    await vault.close();
    throw error;
  }
}

async function openNamed(options: PointOptions, signal: AbortSignal): Promise<Vault> {
  const { openVaultByName } = await import('./vault-by-name.ts');
  return openVaultByName({ url: options.vault, keys: options, roles: ['data', 'meta'], signal });
}
