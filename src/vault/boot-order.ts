import type { ManifestVolume } from './manifest.ts';

/** The root first, the others by their device names: the order in which a machine has its disks. */
export function inBootOrder(a: ManifestVolume, b: ManifestVolume): number {
  return Number(b.root) - Number(a.root) || a.deviceName.localeCompare(b.deviceName);
}
