import type { FileHandle } from 'node:fs/promises';
import { damageOf } from '../tree/damage.ts';
import type { Located } from '../tree/machine-tree.ts';
import { setAttributes } from './set-attributes.ts';

/** Something of a file that is not as it was. */
export interface Unset {
  readonly problem: string;
  readonly isDamage: boolean;
}

interface Order {
  readonly asRoot: boolean;
  readonly signal: AbortSignal;
}

/**
 * Owner, extended attributes, mode, times, in this order: changing the owner clears set-user-id bits and capabilities, a
 * file that may not be written takes no attributes, and every change moves a time. Resolves with what could not be set.
 */
export async function applyFacts(
  handle: FileHandle,
  file: Pick<Located, 'tree' | 'entry'>,
  order: Order,
): Promise<Unset | undefined> {
  const { uid, gid, mode, atimeNs, mtimeNs } = file.entry;
  if (order.asRoot) await handle.chown(uid, gid);
  const unset = await applyAttributes(handle, file, order);
  // A program that ran as its owner in the machine must not run as whoever restores it.
  await handle.chmod(order.asRoot ? mode : mode & 0o1777);
  await handle.utimes(secondsOf(atimeNs), secondsOf(mtimeNs));
  return unset;
}

/** A damaged attribute costs the attributes, not the file. */
async function applyAttributes(
  handle: FileHandle,
  { tree, entry }: Pick<Located, 'tree' | 'entry'>,
  { signal }: Order,
): Promise<Unset | undefined> {
  try {
    const problem = await setAttributes(handle, await tree.xattrs(entry, signal), signal);
    return problem === undefined ? undefined : { problem, isDamage: false };
  } catch (error) {
    return { problem: `extended attributes: ${damageOf(error)}`, isDamage: true };
  }
}

export function secondsOf(ns: bigint): number {
  return Number(ns) / 1e9;
}
