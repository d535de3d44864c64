import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dependenciesOf, findModules, readModule } from '../../src/appliance/module-files.mjs';
import { GuestBuildError } from './command.mjs';
import { makeInitramfs } from './initramfs.mjs';
import { makeTree, unpack } from './rootfs.mjs';

/** Needed before the root volume can be read: an initramfs carries whichever of them is not built in. */
const BOOT_DRIVERS = ['nvme', 'ext4'];
/** Loaded by rc.boot: the power button, the network card, entropy. */
const GUEST_DRIVERS = ['button', 'evdev', 'virtio_pci', 'virtio_net', 'virtio_rng'];
/** Kernels that build a driver in list it in modules.builtin; those that do not know it at all may lack only these. */
const OPTIONAL_DRIVERS = new Set(['virtio_rng']);

/**
 * Puts kernel and needed modules into the tree. Package managers would run depmod and initramfs-tools here; the few
 * modules a virtual machine needs are found by their own "depends" lines instead.
 */
export async function installKernel({ tree, debs, scratch }) {
  await makeTree(scratch);
  for (const deb of debs) await unpack(deb, scratch);
  const release = await kernelRelease(scratch);
  const modules = await findModules(join(scratch, 'lib/modules', release));
  await mkdir(join(tree, 'boot/grub'), { recursive: true });
  await copyFile(join(scratch, 'boot', `vmlinuz-${release}`), join(tree, 'boot/vmlinuz'));
  const carry = (names, target) => carryModules({ modules, names, target, busybox: join(tree, 'bin/busybox') });
  const loaded = await carry(GUEST_DRIVERS, join(tree, 'lib/modules', release));
  await writeFile(join(tree, 'etc/modules'), loaded.map((file) => `/lib/modules/${release}/${file}\n`).join(''));
  const early = await carry(BOOT_DRIVERS, join(scratch, 'early'));
  if (early.length === 0) return { release, initramfs: false };
  const image = await makeInitramfs({
    busybox: join(tree, 'bin/busybox'),
    modules: join(scratch, 'early'),
    order: early,
  });
  await writeFile(join(tree, 'boot/initramfs'), image);
  return { release, initramfs: true };
}

async function kernelRelease(scratch) {
  const kernel = (await readdir(join(scratch, 'boot'))).find((name) => name.startsWith('vmlinuz-'));
  if (!kernel) throw new GuestBuildError('guest image: the kernel packages hold no boot/vmlinuz-*');
  return kernel.slice('vmlinuz-'.length);
}

/** Copies modules and what they depend on, uncompressed; resolves with file names in the order of insertion. */
async function carryModules({ modules, names, target, busybox }) {
  await mkdir(target, { recursive: true });
  const carried = [];
  const visit = async (name) => {
    if (modules.builtIn.has(name) || carried.includes(`${name}.ko`)) return;
    const path = modules.files.get(name);
    if (!path && OPTIONAL_DRIVERS.has(name)) return;
    if (!path)
      throw new GuestBuildError(`guest image: the kernel has no module ${name}, neither built in nor loadable`);
    const bytes = await readModule(path, [busybox, 'unxz', '-c']);
    for (const dependency of dependenciesOf(bytes)) await visit(dependency);
    await writeFile(join(target, `${name}.ko`), bytes);
    carried.push(`${name}.ko`);
  };
  for (const name of names) await visit(name);
  return carried;
}
