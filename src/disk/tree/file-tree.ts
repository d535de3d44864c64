/**
 * The files of one file system, read only. Each reader (our own for ext, the appliance for the rest) implements this and
 * nothing of the guest is run or trusted: any disk gives entries, damaged entries, or a DiskError.
 *
 * Names, paths and link targets are bytes that need not be UTF-8. They are held as **byte strings**: one character per
 * byte (latin1), so that they compare, join and index by bytes; `shownBytes` (shown-bytes.ts) makes them readable. Paths
 * begin with '/', the root is '/', and no segment is empty, '.' or '..'.
 */
export interface FileTree {
  /** Such as `ext4` or `xfs`. */
  readonly kind: string;
  /** What a person must know about what is read, such as that a journal was replayed. */
  readonly notices: readonly string[];
  readonly root: Entry;
  /**
   * The names of a folder in byte order, each name once, without '.' and '..'; what cannot be read of it comes as damage,
   * and the rest follows. Memory is bounded by the names of one folder.
   */
  list(folder: Entry, signal: AbortSignal): AsyncIterable<TreeItem>;
  /** The entry of one name in a folder; undefined when there is none. Links are not followed. */
  find(folder: Entry, name: ByteString, signal: AbortSignal): Promise<Entry | undefined>;
  /** Where a file has bytes, ascending and not touching; the rest are holes that read as zeros. */
  extents(file: Entry, signal: AbortSignal): AsyncIterable<FileExtent>;
  /** Exactly these bytes of a file; holes are zeros. Beyond its end is a RangeError. */
  read(file: Entry, offset: number, length: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Target of a symbolic link, as it stands there. */
  readLink(link: Entry, signal: AbortSignal): Promise<ByteString>;
  /** Extended attributes by full name (`user.note`, `security.capability`, `system.posix_acl_access`). */
  xattrs(entry: Entry, signal: AbortSignal): Promise<ReadonlyMap<ByteString, Uint8Array>>;
  close(): Promise<void>;
}

/** One character per byte. */
export type ByteString = string;

export type EntryKind = 'file' | 'folder' | 'link' | 'character-device' | 'block-device' | 'fifo' | 'socket';

export interface Entry {
  /** Last segment of the path; empty for the root. */
  readonly name: ByteString;
  readonly kind: EntryKind;
  readonly size: number;
  /** The lower 12 bits: permissions, set-user-id, set-group-id, sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970, also before it. */
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** Undefined where the file system keeps none. */
  readonly btimeNs?: bigint;
  /** Same number in the same tree: the same file under another name (hard link). */
  readonly inode: bigint;
  readonly links: number;
  /** Of devices. */
  readonly rdev?: { readonly major: number; readonly minor: number };
}

/** `name` is empty when even that is lost: then some of a folder's names are missing. */
export type TreeItem =
  | { readonly name: ByteString; readonly entry: Entry; readonly damage?: undefined }
  | { readonly name: ByteString; readonly entry?: undefined; readonly damage: string };

export interface FileExtent {
  readonly offset: number;
  readonly bytes: number;
}
