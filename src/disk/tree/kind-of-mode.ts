import type { EntryKind } from './file-tree.ts';

/** By the upper four bits of a mode (POSIX S_IFMT). */
const KINDS: Readonly<Record<number, EntryKind>> = {
  1: 'fifo',
  2: 'character-device',
  4: 'folder',
  6: 'block-device',
  8: 'file',
  10: 'link',
  12: 'socket',
};

/** What kind of file a mode says; undefined for a value that no system writes. */
export function kindOfMode(mode: number): EntryKind | undefined {
  return KINDS[mode >> 12];
}
