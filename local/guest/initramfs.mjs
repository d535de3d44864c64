import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const DIRECTORY = 0o040755;
const PROGRAM = 0o100755;
const CHARACTER_DEVICE = 0o020600;

// ~20 s at 50 ms: an emulated controller on a busy host takes seconds, a missing volume never appears.
const INIT = `#!/bin/busybox sh
# Loads the drivers of the root volume, finds it by the kernel's own root= option and hands over to it.
B=/bin/busybox
$B mkdir -p /dev /proc /sysroot
$B mount -t devtmpfs dev /dev
$B mount -t proc proc /proc
while read -r m; do $B insmod /modules/$m; done </modules/order
for o in $($B cat /proc/cmdline); do case $o in root=PARTUUID=*) id=\${o#root=PARTUUID=};; esac; done
i=0
until [ -n "$dev" ]; do
  i=$((i+1))
  [ $i -gt 400 ] && { echo "<2>initramfs: no partition $id within 20 s" >/dev/kmsg; $B poweroff -f; }
  for p in /dev/nvme*n*p*; do
    # disk id (bytes 440-443, little-endian) and partition number, as the kernel forms a PARTUUID for an MBR
    d=\${p%p*}
    s=$($B dd if=$d bs=1 skip=440 count=4 2>/dev/null | $B od -An -tx4 | $B tr -d ' ')
    [ "$s-0\${p##*p}" = "$id" ] && dev=$p
  done
  [ -n "$dev" ] || $B sleep 0.05
done
$B mount -t ext4 -o ro,noatime $dev /sysroot || { echo "<2>initramfs: cannot mount $dev" >/dev/kmsg; $B poweroff -f; }
$B umount /proc
$B mount --move /dev /sysroot/dev
exec $B switch_root /sysroot /sbin/init
`;

/** An uncompressed "newc" cpio archive: busybox, the modules in their order, and the init above. */
export async function makeInitramfs({ busybox, modules, order }) {
  const archive = newArchive();
  for (const name of ['bin', 'dev', 'modules']) archive.add(name, DIRECTORY);
  archive.add('dev/console', CHARACTER_DEVICE, Buffer.alloc(0), { major: 5, minor: 1 });
  archive.add('dev/kmsg', CHARACTER_DEVICE, Buffer.alloc(0), { major: 1, minor: 11 });
  archive.add('bin/busybox', PROGRAM, await readFile(busybox));
  for (const file of order) archive.add(`modules/${file}`, PROGRAM, await readFile(join(modules, file)));
  archive.add('modules/order', PROGRAM, Buffer.from(`${order.join('\n')}\n`));
  archive.add('init', PROGRAM, Buffer.from(INIT));
  return archive.finish();
}

/** Format: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst; all numbers 8 hex digits. */
function newArchive() {
  const parts = [];
  let inode = 0;
  const pad = (bytes) => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  const add = (name, mode, content = Buffer.alloc(0), device = { major: 0, minor: 0 }) => {
    inode += 1;
    const path = Buffer.from(`${name}\0`);
    const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, device.major, device.minor, path.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
    parts.push(pad(Buffer.concat([Buffer.from(header), path])), pad(content));
  };
  const finish = () => {
    add('TRAILER!!!', 0);
    return Buffer.concat(parts);
  };
  return { add, finish };
}
