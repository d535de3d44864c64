/** What one partition, or one disk without partitions, says about itself. JSON-safe; names are neutralised guest text. */
export interface FileSystemFact {
  readonly volumeId: string;
  /** 0 for a disk without a partition table, else the partition's number as Linux counts it. */
  readonly partition: number;
  readonly offset: number;
  readonly bytes: number;
  /** Such as `ext4`, `xfs`, `vfat`, `swap`, `bios-boot`, `empty`, `lvm`, `luks`, `unrecognized`. */
  readonly kind: string;
  /** `none`: holds no file system, so there is nothing to be clean. */
  readonly state: 'clean' | 'dirty' | 'unknown' | 'none';
  readonly uuid?: string;
  readonly label?: string;
  readonly partUuid?: string;
  /** What was read, in a sentence; at most 200 characters. */
  readonly found: string;
}

/** Such as `vol-1 partition 2`, for people. */
export function placeOf({ volumeId, partition }: Pick<FileSystemFact, 'volumeId' | 'partition'>): string {
  return partition === 0 ? volumeId : `${volumeId} partition ${partition}`;
}
