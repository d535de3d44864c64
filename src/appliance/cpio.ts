const FOLDER = 0o040755;
const PROGRAM = 0o100755;

export interface ArchivedFile {
  /** Without a leading slash. Folders above are made. */
  readonly path: string;
  readonly content: Uint8Array;
}

/** A "newc" archive, as kernels unpack it for their first root (Documentation/driver-api/early-userspace/buffer-format). */
export function makeCpio(files: readonly ArchivedFile[]): Buffer {
  const parts: Buffer[] = [];
  let inode = 0;
  const add = (path: string, mode: number, content: Uint8Array = Buffer.alloc(0)) => {
    inode++;
    const name = Buffer.from(`${path}\0`);
    const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
    const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
    parts.push(padded(Buffer.concat([Buffer.from(head), name])), padded(Buffer.from(content)));
  };
  const folders = new Set(files.flatMap(({ path }) => foldersAbove(path)));
  for (const folder of ['dev', 'sys', ...[...folders].sort()]) add(folder, FOLDER);
  for (const { path, content } of files) add(path, PROGRAM, content);
  add('TRAILER!!!', 0);
  return Buffer.concat(parts);
}

function foldersAbove(path: string): string[] {
  const segments = path.split('/').slice(0, -1);
  return segments.map((_, i) => segments.slice(0, i + 1).join('/'));
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
