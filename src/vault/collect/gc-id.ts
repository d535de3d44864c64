import { hex } from '../bytes.ts';
import type { Vault } from '../vault.ts';

/** Formed as run ids are, so that plans sort by time. */
export function newGcId({ clock, randomBytes }: Pick<Vault, 'clock' | 'randomBytes'>): string {
  const time = clock
    .now()
    .toISOString()
    .replace(/[-:]|\.\d+/g, '');
  return `${time}-${hex(randomBytes(4))}`;
}
