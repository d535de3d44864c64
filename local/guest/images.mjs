import { open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GuestBuildError, run } from './command.mjs';

/** EBS sizes are whole GiB; 2 leaves room for load tests and costs nothing while sparse. */
const VOLUME_BYTES = 2 * 1024 ** 3;
/** Partitions start at 1 MiB, as every current installer does; the loader lives in the gap before. */
const PARTITION_OFFSET = 1 << 20;
const SECTOR = 512;
/**
 * Disk signature; with the partition number it forms the PARTUUID that the kernel command line names. Any will do; as bytes
 * this one is "cli; hlt; jmp hlt": where a test has zeroed the boot code before it, a processor runs through the zeros into
 * it and stops, in place of running in circles for as long as the machine is waited for.
 */
const DISK_ID = 0xfdebf4fa;
export const ROOT_PARTUUID = `${DISK_ID.toString(16).padStart(8, '0')}-01`;

// The host's mke2fs.conf differs by release (orphan_file, metadata_csum_seed …); the image must not.
const MKE2FS_CONF = `[defaults]
base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
blocksize = 4096
inode_size = 256
inode_ratio = 16384
reserved_ratio = 1.0
[fs_types]
ext4 = {
features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
}
`;

/** root.img: MBR, GRUB in the gap, one ext4 partition with `tree` as its content. */
export async function makeRootImage({ tree, image, loader, scratch }) {
  await writeFile(image, '');
  await truncate(image, VOLUME_BYTES);
  await writeLoader(image, loader);
  await makeFileSystem({ tree, image, label: 'root', owner: '0:0', offset: PARTITION_OFFSET, scratch });
}

/** data.img: ext4 on the whole volume, as most people format a data volume on EC2. */
export async function makeDataImage({ tree, image, owner, scratch }) {
  await writeFile(image, '');
  await truncate(image, VOLUME_BYTES);
  await makeFileSystem({ tree, image, label: 'data', owner, offset: 0, scratch });
}

async function makeFileSystem({ tree, image, label, owner, offset, scratch }) {
  const config = join(scratch, `mke2fs-${label}.conf`);
  await writeFile(config, MKE2FS_CONF);
  // lazy: neither inode tables nor journal are written as zeros, so that the sparse image stays sparse.
  const options = `lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=${owner},offset=${offset}`;
  const kib = `${(VOLUME_BYTES - offset) / 1024}k`;
  const args = ['-q', '-F', '-t', 'ext4', '-L', label, '-E', options, '-d', tree, image, kib];
  await run('mke2fs', args, { env: { MKE2FS_CONFIG: config } });
  await rm(config);
}

/** boot.img goes to sector 0 with the partition table, the core image to the sectors right behind it. */
async function writeLoader(image, { boot, core }) {
  if (core.length > PARTITION_OFFSET - SECTOR) throw new GuestBuildError('guest image: GRUB does not fit before 1 MiB');
  const sector = Buffer.from(boot);
  sector.writeUInt32LE(DISK_ID, 440);
  sector.writeUInt16LE(0, 444);
  sector.fill(0, 446, 510);
  sector.writeUInt8(0x80, 446); // active: some BIOSes start nothing else
  sector.set([0x20, 0x21, 0x00], 447); // CHS of sector 2048; only LBA is read
  sector.writeUInt8(0x83, 450); // Linux
  sector.set([0xfe, 0xff, 0xff], 451);
  sector.writeUInt32LE(PARTITION_OFFSET / SECTOR, 454);
  sector.writeUInt32LE((VOLUME_BYTES - PARTITION_OFFSET) / SECTOR, 458);
  sector.writeUInt16LE(0xaa55, 510);
  const file = await open(image, 'r+');
  try {
    await file.write(sector, 0, SECTOR, 0);
    await file.write(core, 0, core.length, SECTOR);
  } finally {
    await file.close();
  }
}

/** GRUB for BIOS, made with the release's own tool in a tree of its own (the host need not have it). */
export async function makeLoader({ tools }) {
  const modules = 'biosdisk part_msdos ext2 linux16 normal configfile'.split(' ');
  const args = [
    '-d',
    '/usr/lib/grub/i386-pc',
    '-O',
    'i386-pc',
    '-p',
    '(hd0,msdos1)/boot/grub',
    '-o',
    '/core.img',
    ...modules,
  ];
  await run('chroot', [tools, '/usr/bin/grub-mkimage', ...args]);
  return {
    boot: await readFile(join(tools, 'usr/lib/grub/i386-pc/boot.img')),
    core: await readFile(join(tools, 'core.img')),
  };
}
