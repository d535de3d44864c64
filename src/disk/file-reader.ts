/** Read-only files of a machine's disks, as its /etc/fstab mounts them; nothing of the guest is run. */
export interface FileReader {
  /** Whole file, following links inside the tree; undefined when there is none. UnreadableDisk beyond `limitBytes`. */
  read(path: string, limitBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** The last `bytes` of a file with its size; undefined when there is none. */
  readTail(path: string, bytes: number, signal: AbortSignal): Promise<FileTail | undefined>;
  /** Entry names of a folder; undefined when there is none. At most 10,000. */
  list(path: string, signal: AbortSignal): Promise<readonly string[] | undefined>;
}

export interface FileTail {
  readonly size: number;
  readonly bytes: Uint8Array;
}
