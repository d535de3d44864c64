import type { FileHandle } from 'node:fs/promises';
import type { Entry } from '../tree/file-tree.ts';

/** Owner, mode, times, in this order: changing the owner clears set-user-id bits, and every change moves a time. */
export async function applyFacts(
  handle: FileHandle,
  { uid, gid, mode, atimeNs, mtimeNs }: Entry,
  { asRoot }: { readonly asRoot: boolean },
): Promise<void> {
  if (asRoot) await handle.chown(uid, gid);
  // A program that ran as its owner in the machine must not run as whoever restores it.
  await handle.chmod(asRoot ? mode : mode & 0o1777);
  await handle.utimes(secondsOf(atimeNs), secondsOf(mtimeNs));
}

export function secondsOf(ns: bigint): number {
  return Number(ns) / 1e9;
}
