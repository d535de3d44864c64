import type { ByteString, Entry, EntryKind } from '../tree/file-tree.ts';

/** POSIX.1-2017, pax. A header and every content fill whole records. */
export const RECORD = 512;

const TYPE: Readonly<Record<EntryKind, string | undefined>> = {
  file: '0',
  link: '2',
  'character-device': '3',
  'block-device': '4',
  folder: '5',
  fifo: '6',
  socket: undefined,
};

export interface TarMember {
  readonly name: ByteString;
  readonly entry: Entry;
  readonly linkName?: ByteString;
  /** Another name of a file that came before. */
  readonly isHardLink?: boolean;
  /** Bytes that follow; of sparse files less than the size. */
  readonly contentBytes: number;
  /** Further pax records. */
  readonly records: ReadonlyMap<string, Uint8Array>;
}

/** A pax header with everything exactly, then the plain one for programs that know no pax. Undefined for sockets. */
export function encodeTarHeaders(member: TarMember): Buffer | undefined {
  const { entry, name, linkName = '', contentBytes } = member;
  const type = member.isHardLink ? '1' : TYPE[entry.kind];
  if (type === undefined) return undefined;
  const pax = new Map<string, Uint8Array>([
    ['path', latin1(name)],
    ['uid', latin1(String(entry.uid))],
    ['gid', latin1(String(entry.gid))],
    ['size', latin1(String(contentBytes))],
    ['mtime', latin1(seconds(entry.mtimeNs))],
    ['atime', latin1(seconds(entry.atimeNs))],
    ['ctime', latin1(seconds(entry.ctimeNs))],
    ...(linkName === '' ? [] : ([['linkpath', latin1(linkName)]] as const)),
    ...member.records,
  ]);
  const records = Buffer.concat([...pax].map(([key, value]) => paxRecord(key, value)));
  return Buffer.concat([
    plainHeader({ name: 'pax', type: 'x', bytes: records.length, mode: 0o600 }),
    padded(records),
    plainHeader({
      name: name.slice(0, 100),
      type,
      bytes: contentBytes,
      mode: entry.mode,
      entry,
      linkName: linkName.slice(0, 100),
    }),
  ]);
}

export function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(paddingOf(bytes.length))]);
}

export function paddingOf(bytes: number): number {
  return (RECORD - (bytes % RECORD)) % RECORD;
}

/** "<length> <key>=<value>\n", where the length counts itself. */
function paxRecord(key: string, value: Uint8Array): Buffer {
  const rest = key.length + value.length + 3;
  let total = rest + String(rest).length;
  if (String(total).length !== String(rest).length) total = rest + String(total).length;
  return Buffer.concat([latin1(`${total} ${key}=`), value, latin1('\n')]);
}

interface PlainHeader {
  readonly name: ByteString;
  readonly type: string;
  readonly bytes: number;
  readonly mode: number;
  readonly entry?: Entry;
  readonly linkName?: ByteString;
}

function plainHeader({ name, type, bytes, mode, entry, linkName = '' }: PlainHeader): Buffer {
  const header = Buffer.alloc(RECORD);
  header.write(name, 0, 100, 'latin1');
  header.write(octal(mode, 8), 100, 'latin1');
  header.write(octal(entry?.uid ?? 0, 8), 108, 'latin1');
  header.write(octal(entry?.gid ?? 0, 8), 116, 'latin1');
  header.write(octal(bytes, 12), 124, 'latin1');
  header.write(octal(Math.max(0, Math.floor(Number(entry?.mtimeNs ?? 0n) / 1e9)), 12), 136, 'latin1');
  header.write(' '.repeat(8), 148, 'latin1');
  header.write(type, 156, 'latin1');
  header.write(linkName, 157, 100, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  header.write(octal(entry?.rdev?.major ?? 0, 8), 329, 'latin1');
  header.write(octal(entry?.rdev?.minor ?? 0, 8), 337, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** What does not fit stands in the pax header. */
function octal(value: number, width: number): string {
  const text = value.toString(8);
  return text.length < width ? text.padStart(width - 1, '0') : '7'.repeat(width - 1);
}

function seconds(ns: bigint): string {
  const whole = ns / 1_000_000_000n;
  const part = ns % 1_000_000_000n;
  if (part === 0n) return String(whole);
  const sign = ns < 0n ? '-' : '';
  const abs = ns < 0n ? -ns : ns;
  return `${sign}${abs / 1_000_000_000n}.${String(abs % 1_000_000_000n).padStart(9, '0')}`;
}

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
