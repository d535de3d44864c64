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

/** A reader of a tree's own, which closes it. */
export type OpenOthers = () => OtherReader;

export interface PointTreeRequest {
  /** Opened with data and meta; the caller closes it. */
  readonly vault: Vault;
  /** The root first, the others by device name. */
  readonly volumes: readonly ManifestVolume[];
  /** For file systems that we do not read ourselves; without it they are told as unread. */
  readonly openOthers?: OpenOthers | undefined;
  readonly signal: AbortSignal;
}

export async function openPointTree({ vault, volumes, openOthers, signal }: PointTreeRequest): Promise<PointTree> {
  const opened = await Promise.all(
    volumes.map(({ volumeId, map }) => openVolumeReader({ vault, volumeId, map, cacheFolder: undefined, signal })),
  );
  const disks = opened.map(({ reader }, i) => ({ volumeId: volumes[i]?.volumeId ?? '', source: reader }));
  const others = openOthers?.();
  const close = async () => {
    await others?.close(); // first: its machine reads from the volumes
    await Promise.all(opened.map((one) => one.close()));
  };
  const machine = await openMachineTree(disks, signal, others).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    machine,
    cost: () => ({
      requests: opened.reduce((sum, { reader }) => sum + reader.counters.requests, 0),
      bytesFetched: opened.reduce((sum, { reader }) => sum + reader.counters.bytes, 0),
    }),
    close,
  };
}
