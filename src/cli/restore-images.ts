import { hostname } from 'node:os';
import { ConfigurationError, VaultError } from '../errors.ts';
import type { Measurement, RecoveredPoint, Vault } from '../vault/index.ts';
import { readToolVersion } from '../workers/tool-version.ts';
import type { CliDeps } from './deps.ts';
import { recoverImages } from './recover.ts';
import type { RestoreOptions } from './restore.ts';
import { terminalText } from './terminal-text.ts';

/** Raw images from a vault of the configuration, by this process itself; `recover` does it without one. */
export async function restoreImages(pointId: string, options: RestoreOptions, deps: CliDeps): Promise<void> {
  const { folder, volume, json, vault: named, into, isolation, detach } = options;
  if (into !== undefined || isolation !== undefined || detach) {
    throw new ConfigurationError(
      'InvalidInput',
      '--to images makes files on this machine: no --into, --isolation or --detach',
    );
  }
  if (folder === undefined)
    throw new ConfigurationError('InvalidInput', 'name the folder for the images: --folder <folder>');
  const { openConfiguredVault } = await import('./configured-vault.ts');
  const { vault } = await openConfiguredVault(named, ['data', 'meta'], deps.signal);
  const startedAt = deps.now();
  try {
    const asked = { ...(volume && { volume }), ...(json && { json }) };
    const recovered = await recoverImages({ vault, pointId, folder }, asked, deps);
    await keepDuration(vault, recovered, startedAt, deps);
  } finally {
    await vault.close();
  }
}

/** For the next `--plan`. Whoever may only read a vault still gets the images. */
async function keepDuration(vault: Vault, { manifest, volumes }: RecoveredPoint, startedAt: Date, deps: CliDeps) {
  const { writeMeasurement } = await import('../vault/index.ts');
  const ms = deps.now().getTime() - startedAt.getTime();
  const runTime = startedAt.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const measurement: Measurement = {
    runId: `${runTime}-${Buffer.from(vault.randomBytes(4)).toString('hex')}`,
    pointId: manifest.pointId,
    machineId: manifest.machine.machineId,
    kind: 'images',
    startedAt: startedAt.toISOString(),
    toolVersion: await readToolVersion(),
    where: { platform: 'file', place: hostname().slice(0, 200) },
    bytes: volumes.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    phases: [{ phase: 'restore', ms }],
  };
  try {
    await writeMeasurement(vault, measurement, deps.signal);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    deps.stderr.write(`how long it took was not kept: ${terminalText(error.message)}\n`);
  }
}
