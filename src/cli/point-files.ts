import type { Located, MachineTree } from '../disk/tree/machine-tree.ts';
import { bytesShownAs } from '../disk/tree/shown-bytes.ts';
import { ConfigurationError } from '../errors.ts';
import type { Manifest } from '../vault/index.ts';
import { formatBytes } from './format.ts';
import { chooseVolumes, type OpenPoint, openPoint, type PointOptions } from './point-access.ts';

export interface PointFilesOptions extends PointOptions {
  readonly volume?: readonly string[];
}

/** The files of a recovery point, read straight from the vault. */
export interface OpenFiles {
  readonly machine: MachineTree;
  /** What reading has cost so far. */
  cost(): { readonly requests: number; readonly bytesFetched: number };
  close(): Promise<void>;
}

export interface PointFiles extends OpenFiles {
  readonly manifest: Manifest;
  readonly from: Located;
}

/** `<point>:/path`, the path as `files ls` shows it. */
export async function openPointFiles(
  named: string,
  options: PointFilesOptions,
  signal: AbortSignal,
): Promise<PointFiles> {
  const { pointId, path } = parseNamed(named);
  const point = await openPoint(pointId, options, signal);
  try {
    const files = await openFilesOf(point, options.volume, signal);
    const from = await files.machine.find(bytesShownAs(path), signal);
    if (!from) {
      const message = `${point.manifest.pointId} has no ${path}; list what there is with: understudy files ls ${point.manifest.pointId}:/`;
      throw new ConfigurationError('FileMissing', message, { context: { pointId: point.manifest.pointId } });
    }
    return {
      ...files,
      from,
      manifest: point.manifest,
      async close() {
        await files.close();
        await point.vault.close();
      },
    };
  } catch (error) {
    await point.vault.close();
    throw error;
  }
}

/** All files of a point whose vault is open; the caller closes the vault. */
export async function openFilesOf(
  { vault, manifest }: OpenPoint,
  wanted: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<OpenFiles> {
  const { openVolumeReader } = await import('../vault/index.ts');
  const { openMachineTree } = await import('../disk/tree/machine-tree.ts');
  const volumes = chooseVolumes(manifest, wanted);
  const opened = await Promise.all(
    volumes.map(({ volumeId, map }) => openVolumeReader({ vault, volumeId, map, cacheFolder: undefined, signal })),
  );
  const disks = opened.map(({ reader }, i) => ({ volumeId: volumes[i]?.volumeId ?? '', source: reader }));
  return {
    machine: await openMachineTree(disks, signal),
    cost: () => ({
      requests: opened.reduce((sum, { reader }) => sum + reader.counters.requests, 0),
      bytesFetched: opened.reduce((sum, { reader }) => sum + reader.counters.bytes, 0),
    }),
    close: async () => void (await Promise.all(opened.map((one) => one.close()))),
  };
}

function parseNamed(named: string): { pointId: string; path: string } {
  const [, pointId, path] = /^([^:]+):(\/.*)$/s.exec(named) ?? [];
  if (pointId !== undefined && path !== undefined) return { pointId, path };
  throw new ConfigurationError('InvalidInput', `'${named}' is not <point>:/path, such as latest:/etc/hosts`);
}

/** What the listing cannot show, and what had to be done to show the rest: never left out silently. */
export function sayNotices(machine: MachineTree, tell: (line: string) => void): void {
  for (const { fact, tree, unreadable, mountedAt } of machine.fileSystems) {
    const place = `${fact.volumeId}${fact.partition === 0 ? '' : ` partition ${fact.partition}`}`;
    if (unreadable) tell(`not read  ${place}: ${unreadable}`);
    else if (tree && mountedAt === undefined)
      tell(`elsewhere  ${place} is not in /etc/fstab; see it with --volume ${fact.volumeId}`);
    for (const notice of tree?.notices ?? []) tell(`note  ${place}: ${notice}`);
  }
}

export function describeCost({ requests, bytesFetched }: ReturnType<PointFiles['cost']>): string {
  return `${requests} requests, ${formatBytes(bytesFetched)} read from the vault`;
}
