import { placeOf } from '../disk/file-system-fact.ts';
import type { MachineTree } from '../disk/tree/machine-tree.ts';

/** What a listing cannot show, and what had to be done to show the rest: never left out silently. */
export function tellUnread({ fileSystems }: MachineTree, tell: (line: string) => void): void {
  const root = fileSystems.find(({ mountedAt }) => mountedAt === '/')?.fact.volumeId;
  for (const { fact, tree, unreadable, mountedAt, fstabDamage } of fileSystems) {
    const place = placeOf(fact);
    if (unreadable) tell(`not read  ${place}: ${unreadable}`);
    else if (tree && mountedAt === undefined) {
      // A volume alone shows its first file system, which is the one that was shown already.
      const how = fact.volumeId === root ? 'understudy mount' : `--volume ${fact.volumeId}`;
      tell(`elsewhere  ${place} is not in /etc/fstab; see it with ${how}`);
    }
    if (fstabDamage !== undefined)
      tell(`damaged  ${place}: /etc/fstab: ${fstabDamage}; file systems are not shown where the machine mounts them`);
    for (const notice of tree?.notices ?? []) tell(`note  ${place}: ${notice}`);
  }
}
