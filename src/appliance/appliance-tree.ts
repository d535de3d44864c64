import type { ByteString, Entry, FileExtent, FileTree, TreeItem } from '../disk/tree/file-tree.ts';
import { isSafeName } from '../disk/tree/safe-name.ts';
import { DiskError } from '../errors.ts';
import { AgentErrno, type AgentPort } from './agent-port.ts';
import { ReplyFields } from './reply-fields.ts';
import { decodeStatx, deviceOf, STATX_BYTES } from './statx.ts';

// What the agent reads at once; a larger one would hold more of its small memory.
const READ_BYTES = 1 << 20;
// Each subvolume of a btrfs counts its inodes from the same number, far below this.
const SUBVOLUME_BITS = 48n;
const ENOENT = 2;
const ENAMETOOLONG = 36;
const EUCLEAN = 117;
const EIO = 5;

export interface TreeFacts {
  readonly kind: string;
  readonly notices: readonly string[];
  /** Where the agent has it mounted. */
  readonly mount: string;
  readonly root: Buffer;
  close(): Promise<void>;
}

/** A file system that the kernel of the reader's machine has mounted. */
export function createApplianceTree(port: AgentPort, { kind, notices, mount, root, close }: TreeFacts): FileTree {
  // An entry is asked about by its path, which it does not carry.
  const paths = new WeakMap<Entry, ByteString>();
  const placed = (entry: Entry, path: ByteString): Entry => {
    paths.set(entry, path);
    return entry;
  };
  const placeOf = (entry: Entry): ByteString => {
    // What is mounted over a folder is a copy of the root under that folder's name.
    const path = paths.get(entry) ?? (entry.inode === top.inode ? mount : undefined);
    if (path === undefined) throw new TypeError(`an entry of another tree: ${entry.name}`);
    return path;
  };
  const pathOf = (entry: Entry): Buffer => Buffer.from(placeOf(entry), 'latin1');
  const subvolumes = [deviceOf(root)];
  const decode = (name: ByteString, facts: Buffer): Entry => {
    const entry = decodeStatx(name, facts);
    const device = deviceOf(facts);
    if (!subvolumes.includes(device)) subvolumes.push(device);
    const subvolume = BigInt(subvolumes.indexOf(device));
    return { ...entry, inode: BigInt.asUintN(64, entry.inode + (subvolume << SUBVOLUME_BITS)) };
  };
  const below = (folder: Entry, name: ByteString) => `${placeOf(folder)}/${name}`;
  const top = placed(decode('', root), mount);

  async function* readExtents(file: Entry): AsyncGenerator<FileExtent> {
    for (let at = 0; at < file.size; ) {
      const pairs = new ReplyFields(await told(port.ask('E', u64(at), pathOf(file))));
      if (pairs.isAtEnd) return;
      while (!pairs.isAtEnd) {
        const [from, to] = [pairs.u64(), pairs.u64()];
        if (!(from >= at && to > from)) throw new DiskError('UnreadableDisk', 'A file has data that goes backwards.');
        yield { offset: from, bytes: Math.min(to, file.size) - from };
        at = to;
      }
    }
  }
  return {
    kind,
    notices,
    root: top,
    async *list(folder, signal) {
      // Whole, since the agent answers one thing at a time and whoever lists asks about what is listed.
      for (const item of decodeItems(await told(port.ask('L', pathOf(folder))), decode)) {
        signal.throwIfAborted();
        yield item.entry ? { ...item, entry: placed(item.entry, below(folder, item.name)) } : item;
      }
    },
    async find(folder, name, signal) {
      signal.throwIfAborted();
      const path = below(folder, name);
      try {
        return placed(decode(name, await port.ask('S', Buffer.from(path, 'latin1'))), path);
      } catch (error) {
        if (error instanceof AgentErrno && error.errno === ENOENT) return undefined;
        throw explained(error);
      }
    },
    extents: (file) => readExtents(file),
    async read(file, offset, length, signal) {
      if (!(offset >= 0 && length >= 0 && offset + length <= file.size))
        throw new RangeError(`${length} bytes from ${offset} of a file of ${file.size}`);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; done += READ_BYTES) {
        signal.throwIfAborted();
        const wanted = Math.min(READ_BYTES, length - done);
        const part = await told(port.ask('R', u64(offset + done), u32(wanted), pathOf(file)));
        if (part.length !== wanted)
          throw new DiskError('UnreadableDisk', `a file ends at ${offset + done + part.length}`);
        bytes.set(part, done);
      }
      return bytes;
    },
    readLink: async (link) => (await told(port.ask('K', pathOf(link)))).toString('latin1'),
    xattrs: async (entry) => decodeAttributes(await told(port.ask('X', pathOf(entry)))),
    close,
  };
}

/** Items, each 2 length, name, 1 (1: facts follow, 0: 4 errno). */
function* decodeItems(reply: Buffer, decode: (name: ByteString, facts: Buffer) => Entry): Generator<TreeItem> {
  for (const fields = new ReplyFields(reply); !fields.isAtEnd; ) {
    const name = fields.take(fields.u16()).toString('latin1');
    if (fields.u8() === 0) {
      yield { name, damage: describeErrno(fields.u32()) };
      continue;
    }
    const entry = decode(name, fields.take(STATX_BYTES));
    yield isSafeName(name) ? { name, entry } : { name: '', damage: 'a name holds a slash or a zero byte' };
  }
}

/** Attributes, each 2 length, name, 4 length, value. */
function decodeAttributes(reply: Buffer): ReadonlyMap<ByteString, Uint8Array> {
  const found = new Map<ByteString, Uint8Array>();
  for (const fields = new ReplyFields(reply); !fields.isAtEnd; ) {
    const name = fields.take(fields.u16()).toString('latin1');
    found.set(name, Uint8Array.from(fields.take(fields.u32())));
  }
  return found;
}

async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw explained(error);
  }
}

function explained(error: unknown): unknown {
  return error instanceof AgentErrno
    ? new DiskError('UnreadableDisk', `The kernel says: ${describeErrno(error.errno)}.`)
    : error;
}

export function describeErrno(errno: number): string {
  const known: Readonly<Record<number, string>> = {
    [ENOENT]: 'no such file',
    [EIO]: 'it cannot be read (input/output error)',
    [ENAMETOOLONG]: 'its path is longer than Linux allows',
    [EUCLEAN]: 'the file system is damaged there',
    22: 'it is not a file system of that kind, needs another device beside this one, or is damaged at its start',
    19: 'this kernel does not know the kind of file system',
  };
  return known[errno] ?? `error ${errno}`;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
