import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { PlatformError } from '../errors.ts';

const run = promisify(execFile);
// A module has a few hundred KiB, XFS and btrfs up to 3 MiB.
const MODULE_BYTES = 64 << 20;

/** What disks (added while it runs, hence SCSI) and the port need, then every file system of which machines' disks are made; those that a kernel lacks are left out. */
const NEEDED = ['virtio_pci', 'virtio_scsi', 'sd_mod', 'virtio_console'];
const WANTED = [
  'ext4',
  'xfs',
  'btrfs',
  'vfat',
  'nls_iso8859_1',
  'nls_cp437',
  'nls_ascii',
  'nls_utf8',
  'f2fs',
  'jfs',
  'isofs',
  'squashfs',
  'ntfs3',
  'exfat',
];

/** Everything that is looked for; another list makes another image. */
export const DRIVERS: readonly string[] = [...NEEDED, ...WANTED];

export interface KernelModule {
  readonly file: string;
  readonly bytes: Buffer;
}

/** Modules in the order in which they can be loaded, each after those it depends on. */
export async function collectModules(folder: string): Promise<KernelModule[]> {
  const builtIn = new Set((await readFile(join(folder, 'modules.builtin'), 'utf8')).split('\n').map(moduleName));
  const paths = (await readdir(folder, { recursive: true })).filter((path) => /\.ko(\.(xz|zst|gz))?$/.test(path));
  const places = new Map(paths.map((path) => [moduleName(path), join(folder, path)]));
  const collected = new Map<string, KernelModule>();
  const visit = async (name: string): Promise<void> => {
    const path = places.get(name);
    if (!path || builtIn.has(name) || collected.has(name)) return;
    const bytes = await readModule(path);
    for (const needed of dependenciesOf(bytes)) await visit(needed);
    collected.set(name, { file: `${name}.ko`, bytes });
  };
  for (const name of DRIVERS) await visit(name);
  const missing = NEEDED.filter((name) => !builtIn.has(name) && !collected.has(name));
  if (missing.length === 0) return [...collected.values()];
  throw new PlatformError('QemuMissing', `the kernel in ${folder} has no module ${missing.join(', ')}`);
}

// The kernel treats - and _ in module names as one character.
function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}

/** "depends=a,b" in the module's own .modinfo section, which ends each entry with a zero byte. */
function dependenciesOf(bytes: Buffer): string[] {
  const at = bytes.indexOf('\0depends=');
  if (at < 0) return [];
  const from = at + '\0depends='.length;
  return bytes.toString('latin1', from, bytes.indexOf(0, from)).split(',').filter(Boolean).map(moduleName);
}

async function readModule(path: string): Promise<Buffer> {
  if (path.endsWith('.xz')) {
    return (await run('xz', ['-dc', path], { encoding: 'buffer', maxBuffer: MODULE_BYTES })).stdout;
  }
  const bytes = await readFile(path);
  if (path.endsWith('.gz')) return gunzipSync(bytes);
  return path.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes;
}
