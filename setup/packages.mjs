// @ts-check

/**
 * Distribution packages that the local cloud and the tests use, each with its reason. `on` limits one to a distribution.
 * @type {readonly { name: string, reason: string, on?: 'debian' | 'ubuntu' }[]}
 */
export const PACKAGES = [
  { name: 'qemu-system-x86', reason: 'runs the machines of the local cloud' },
  { name: 'qemu-utils', reason: 'qemu-img makes and converts their volumes' },
  { name: 'e2fsprogs', reason: 'mke2fs fills the guest image; e2fsck and debugfs judge volumes in tests' },
  {
    name: 'libnbd-bin',
    reason: 'nbdinfo and nbdcopy, foreign clients of the block devices that `understudy mount` serves',
  },
  { name: 'attr', reason: 'setfattr gives restored files their extended attributes' },
  { name: 'xfsprogs', reason: 'makes the XFS that the reader of other file systems is tested with' },
  { name: 'btrfs-progs', reason: 'makes the btrfs that it is tested with' },
  { name: 'postgresql-client', reason: "pg_restore takes a table out of an agent's dump" },
  { name: 'ca-certificates', reason: 'downloads over HTTPS' },
  { name: 'age', reason: 'the tests open the offline wraps of a vault with it, as a person would' },
  { name: 'python3', reason: 'runs boto3 and the independent vault reader' },
  { name: 'python3-venv', reason: 'keeps boto3 apart from the Python of the system' },
  { name: 'chromium', reason: 'the tests look at the report and the Temporal UI in it', on: 'debian' },
];

/**
 * The packages of one distribution.
 * @param {'debian' | 'ubuntu'} distribution
 */
export function packagesFor(distribution) {
  return PACKAGES.filter(({ on }) => on === undefined || on === distribution).map(({ name }) => name);
}
