import { guestText } from '../../disk/guest-text.ts';
import { DiskError } from '../../errors.ts';

/**
 * A POSIX ustar archive of regular files: what every guest's tar reads and what busybox, GNU and bsdtar write for
 * short names. Kept small on purpose: no links, no devices, no modes, no times, so nothing can be unpacked by mistake.
 *
 *   0    100  name, NUL padded       124  12  size, octal
 *   100  8    mode, octal            148  8   sum of the header's bytes with this field as blanks, octal
 *   156  1    type: "0" or NUL file, "5" folder
 *   257  6    "ustar" + NUL (GNU: "ustar "), 263 2 version
 *   345  155  prefix of the name, without the "/" between them: where that alone is too long
 */
const RECORD = 512;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
/** Bounds what a hostile archive makes a reader keep; a report holds about 30 files. */
const MAX_FILES = 2_000;

export function encodeTar(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const records: Uint8Array[] = [];
  for (const [name, body] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    records.push(encodeHeader(name, body.length), body, new Uint8Array(padding(body.length)));
  }
  records.push(new Uint8Array(2 * RECORD));
  return Buffer.concat(records);
}

/** Whether a file of this name can be in an archive. */
export function fitsTar(name: string): boolean {
  return splitName(name) !== undefined;
}

/** Any bytes give files or a DiskError. Folders, links and other kinds are left out. */
export function decodeTar(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at + RECORD <= bytes.length; ) {
    const header = bytes.subarray(at, at + RECORD);
    if (header.every((byte) => byte === 0)) return files;
    const { name, size, type } = decodeHeader(header, at);
    at += RECORD;
    if (size > bytes.length - at) throw damaged(`"${name}" says ${size} bytes, ${bytes.length - at} are left`);
    if (type === 'file') files.set(name, bytes.slice(at, at + size));
    if (files.size > MAX_FILES) throw damaged(`more than ${MAX_FILES} files`);
    at += size + padding(size);
  }
  return files;
}

function encodeHeader(name: string, size: number): Uint8Array {
  const header = new Uint8Array(RECORD);
  const put = (offset: number, text: string) => header.set(new TextEncoder().encode(text), offset);
  const split = splitName(name);
  if (!split) throw new RangeError(`tar name "${name}" is too long`);
  put(0, split.name);
  put(345, split.prefix);
  put(100, '0000644\0');
  put(108, '0000000\0');
  put(116, '0000000\0');
  put(124, `${size.toString(8).padStart(11, '0')}\0`);
  put(136, '00000000000\0'); // epoch: the same input gives the same bytes
  put(148, '        ');
  put(156, '0');
  put(257, 'ustar\u000000');
  put(148, `${checksum(header).toString(8).padStart(6, '0')}\0 `);
  return header;
}

/** At the first "/" behind which all fits; both parts keep a NUL at their end, which some readers look for. */
function splitName(name: string): { readonly prefix: string; readonly name: string } | undefined {
  const bytes = (text: string) => new TextEncoder().encode(text).length;
  if (bytes(name) < NAME_BYTES) return { prefix: '', name };
  for (let at = name.indexOf('/'); at !== -1; at = name.indexOf('/', at + 1)) {
    const split = { prefix: name.slice(0, at), name: name.slice(at + 1) };
    if (bytes(split.name) < NAME_BYTES && bytes(split.prefix) < PREFIX_BYTES) return split;
  }
  return undefined;
}

function decodeHeader(header: Uint8Array, at: number) {
  const stored = octal(header, 148, 8);
  const blanked = Uint8Array.from(header); // slice() of a Buffer would be the same bytes
  blanked.fill(0x20, 148, 156);
  if (stored !== checksum(blanked)) throw damaged(`the header at ${at} has a wrong checksum`);
  const prefix = text(header, 345, 155);
  // GNU tar and busybox use these bytes for times when the magic ends with a blank.
  const isPosix = header[262] === 0;
  const name = text(header, 0, NAME_BYTES);
  const kind = String.fromCharCode(header[156] ?? 0);
  return {
    name: guestText((isPosix && prefix ? `${prefix}/${name}` : name).replace(/^\.\//, '')),
    size: octal(header, 124, 12),
    type: kind === '0' || kind === '\0' ? 'file' : 'other',
  } as const;
}

function checksum(header: Uint8Array): number {
  return header.reduce((sum, byte) => sum + byte, 0);
}

function octal(header: Uint8Array, offset: number, length: number): number {
  const digits = text(header, offset, length).trim();
  if (!/^[0-7]{1,11}$/.test(digits)) throw damaged(`a number in the header is "${guestText(digits, 20)}"`);
  return Number.parseInt(digits, 8);
}

function text(header: Uint8Array, offset: number, length: number): string {
  const field = header.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end === -1 ? field : field.subarray(0, end));
}

function padding(size: number): number {
  return (RECORD - (size % RECORD)) % RECORD;
}

function damaged(found: string): DiskError {
  return new DiskError(
    'UnreadableDisk',
    `The boot script's results are not a whole tar: ${found}. Look at the console.`,
  );
}
