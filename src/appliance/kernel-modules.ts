import { PlatformError } from '../errors.ts';
import { dependenciesOf, findModules, type ModuleFiles, readModule } from './module-files.mjs';

/** What disks (added while it runs, hence SCSI) and the port need. */
const NEEDED = ['virtio_pci', 'virtio_scsi', 'sd_mod', 'virtio_console'];
/**
 * What each kind of file system needs, loaded when the first of it is opened: that of btrfs measures the processor for half a
 * second. What a kernel lacks is left out; then opening says that it does not know the kind. With btrfs the checksums that it
 * may have instead of CRC-32C: its module asks for them by name only (MODULE_SOFTDEP in fs/btrfs/super.c), and nothing in this
 * machine would answer.
 */
const FILE_SYSTEMS: Readonly<Record<string, readonly string[]>> = {
  ext4: ['ext4'],
  xfs: ['xfs'],
  btrfs: ['xxhash_generic', 'sha256_generic', 'blake2b_generic', 'btrfs'],
};
const GROUPS = { first: NEEDED, ...FILE_SYSTEMS };

/** Everything that is looked for; another list makes another image. */
export const DRIVERS = JSON.stringify(GROUPS);

export interface KernelModules {
  /** By file name. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** By kind of file system, and `first` for what is loaded before any: file names, each after those it depends on. */
  readonly orders: ReadonlyMap<string, readonly string[]>;
}

/** What the machine can load of a kernel's modules. QemuMissing: it lacks one without which no disk is read. */
export async function collectModules(folder: string): Promise<KernelModules> {
  const found = await findModules(folder);
  const files = new Map<string, Buffer>();
  const orders = new Map<string, readonly string[]>();
  for (const [group, names] of Object.entries(GROUPS)) orders.set(group, await collectInOrder(names, found, files));
  const missing = NEEDED.filter((name) => !found.builtIn.has(name) && !files.has(`${name}.ko`));
  if (missing.length === 0) return { files, orders };
  throw new PlatformError('QemuMissing', `the kernel in ${folder} has no module ${missing.join(', ')}`);
}

async function collectInOrder(
  names: readonly string[],
  { builtIn, files: paths }: ModuleFiles,
  files: Map<string, Buffer>,
): Promise<readonly string[]> {
  const order = new Set<string>();
  const visit = async (name: string): Promise<void> => {
    const path = paths.get(name);
    const file = `${name}.ko`;
    if (!path || builtIn.has(name) || order.has(file)) return;
    const bytes = files.get(file) ?? (await readModule(path));
    files.set(file, bytes);
    for (const needed of dependenciesOf(bytes)) await visit(needed);
    order.add(file);
  };
  for (const name of names) await visit(name);
  return [...order];
}
