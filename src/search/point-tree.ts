import { type MachineTree, openMachineTree } from '../disk/tree/machine-tree.ts';
import type { OtherReader } from '../disk/tree/open-file-system.ts';
import { type ManifestVolume, openVolumeReader, type Vault } from '../vault/index.ts';

/** The files of a recovery point, read straight from the vault. */
export interface PointTree {
  readonly machine: MachineTree;
  /** What reading has cost so far. */
  cost(): ReadCost;
  close(): Promise<void>;
}

export interface ReadCost {
  readonly requests: number;
  readonly bytesFetched: number;
}

export interface PointTreeRequest {
  /** Opened with data and meta; the caller closes it. */
  readonly vault: Vault;
  /** The root first, the others by device name. */
  readonly volumes: readonly ManifestVolume[];
  /** For file systems that we do not read ourselves; the caller closes it. */
  readonly others?: OtherReader;
  readonly signal: AbortSignal;
}

export async function openPointTree({ vault, volumes, others, signal }: PointTreeRequest): Promise<PointTree> {
  const opened = await Promise.all(
    volumes.map(({ volumeId, map }) => openVolumeReader({ vault, volumeId, map, cacheFolder: undefined, signal })),
  );
  const disks = opened.map(({ reader }, i) => ({ volumeId: volumes[i]?.volumeId ?? '', source: reader }));
  return {
    machine: await openMachineTree(disks, signal, others),
    cost: () => ({
      requests: opened.reduce((sum, { reader }) => sum + reader.counters.requests, 0),
      bytesFetched: opened.reduce((sum, { reader }) => sum + reader.counters.bytes, 0),
    }),
    close: async () => void (await Promise.all(opened.map((one) => one.close()))),
  };
}
