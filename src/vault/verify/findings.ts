import { UnderstudyError } from '../../errors.ts';
import type { BlockRanges } from './block-ranges.ts';

/** One thing that is not as it must be. The same object is named once for every volume that suffers from it. */
export interface Finding {
  /** `damage`: something that should be there is gone or changed. `notice`: nothing is lost, somebody should look. */
  readonly severity: 'damage' | 'notice';
  /** Key of the object. */
  readonly object: string;
  readonly found: string;
  /** What can still be read, or what to do. */
  readonly remains: string;
  readonly pointId?: string;
  readonly volumeId?: string;
  /** Blocks of the volume that cannot be read because of it: how many, and the first of them as ranges. */
  readonly blocks?: { readonly count: number; readonly ranges: BlockRanges['text'] };
}

export type OnFinding = (finding: Finding) => void;

const DAMAGE: ReadonlySet<string> = new Set(['ObjectMissing', 'ObjectDamaged', 'DamagedFormat']);

/** What an error says about the object that was read. Anything else is about the way to it, and ends the verification. */
export function damageIn(error: unknown): string {
  if (error instanceof UnderstudyError && DAMAGE.has(error.code)) return error.message;
  throw error;
}
