/** /dev/xvdba … /dev/xvddz, the two-letter names that EC2 takes (EC2 user guide, "Device names on Linux instances"). */
const TWO_LETTERS = [...'bcd'].flatMap((first) => [...'abcdefghijklmnopqrstuvwxyz'].map((second) => first + second));

/**
 * A device name that none of the volumes has; one of the single letters while there is one, in their order. With 78 names of
 * two letters, and at most 40 volumes in a capture, there always is one.
 */
export function freeDeviceName(letters: string, volumes: readonly { readonly deviceName: string }[]): string {
  const taken = new Set(volumes.map(({ deviceName }) => diskOf(deviceName)));
  const free = [...letters, ...TWO_LETTERS].find((disk) => !taken.has(disk));
  if (free === undefined) throw new RangeError(`${volumes.length} volumes leave no device name`);
  return free.length === 1 ? `/dev/sd${free}` : `/dev/xvd${free}`;
}

/** Some kernels show /dev/sdf as /dev/xvdf, and a partition's name takes its disk's, so only the disk's letters count. */
function diskOf(deviceName: string): string | undefined {
  return /^(?:\/dev\/)?(?:sd|xvd)([a-z]+)/.exec(deviceName)?.[1];
}
