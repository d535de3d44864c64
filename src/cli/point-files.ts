import type { Located } from '../disk/tree/machine-tree.ts';
import { bytesShownAs } from '../disk/tree/shown-bytes.ts';
import { ConfigurationError } from '../errors.ts';
import { chooseVolumes } from '../search/choose-volumes.ts';
import type { PointTree, ReadCost } from '../search/point-tree.ts';
import type { Manifest } from '../vault/index.ts';
import type { CliDeps } from './deps.ts';
import { formatBytes } from './format.ts';
import { openPoint, type PointOptions } from './point-access.ts';

export interface PointFilesOptions extends PointOptions {
  readonly volume?: readonly string[];
}

export interface PointFiles extends PointTree {
  readonly manifest: Manifest;
  readonly from: Located;
}

/** `<point>:/path`, the path as `files ls` shows it. */
export async function openPointFiles(
  named: string,
  options: PointFilesOptions,
  deps: Pick<CliDeps, 'stderr' | 'signal'>,
): Promise<PointFiles> {
  const { signal } = deps;
  const { pointId, path } = parseNamed(named);
  const { openPointTree } = await import('../search/point-tree.ts');
  const { createKernelReader } = await import('../appliance/kernel-reader.ts');
  const point = await openPoint(pointId, options, deps);
  let files: PointTree | undefined;
  // Whatever goes wrong: a machine that is left reading keeps this process from ending.
  const close = async () => {
    await files?.close();
    await point.vault.close();
  };
  try {
    const volumes = chooseVolumes(point.manifest, options.volume);
    files = await openPointTree({ vault: point.vault, volumes, openOthers: createKernelReader, signal });
    const from = await files.machine.find(bytesShownAs(path), signal);
    if (from) return { ...files, from, manifest: point.manifest, close };
    const message = `${point.manifest.pointId} has no ${path}; list what there is with: understudy files ls ${point.manifest.pointId}:/`;
    throw new ConfigurationError('FileMissing', message, { context: { pointId: point.manifest.pointId } });
  } catch (error) {
    await close();
    throw error;
  }
}

export function parseNamed(named: string): { pointId: string; path: string } {
  const [, pointId, path] = /^([^:]+):(\/.*)$/s.exec(named) ?? [];
  if (pointId !== undefined && path !== undefined) return { pointId, path };
  throw new ConfigurationError('InvalidInput', `'${named}' is not <point>:/path, such as latest:/etc/hosts`);
}

export function describeCost({ requests, bytesFetched }: ReadCost): string {
  return `${requests} requests, ${formatBytes(bytesFetched)} read from the vault`;
}
