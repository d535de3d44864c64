import { PlatformError } from '../errors.ts';
import { dependenciesOf, findModules, readModule } from './module-files.mjs';

/** What disks (added while it runs, hence SCSI) and the port need. */
const NEEDED = ['virtio_pci', 'virtio_scsi', 'sd_mod', 'virtio_console'];
/**
 * Every file system of which machines' disks are made; those that a kernel lacks are left out. First the checksums that a
 * btrfs may have instead of CRC-32C: its kernel module asks for them by name only (MODULE_SOFTDEP in fs/btrfs/super.c), and
 * nothing in this machine would answer.
 */
const WANTED = [
  'xxhash_generic',
  'sha256_generic',
  'blake2b_generic',
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
  const { builtIn, files } = await findModules(folder);
  const collected = new Map<string, KernelModule>();
  const visit = async (name: string): Promise<void> => {
    const path = files.get(name);
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
