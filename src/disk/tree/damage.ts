import { DiskError, FormatError, UnderstudyError } from '../../errors.ts';
import { guestText } from '../guest-text.ts';

/** Of the vault: what is gone or changed stays so. A store that does not answer says nothing about the disk. */
const DAMAGE_CODES: readonly string[] = ['ObjectMissing', 'ObjectDamaged', 'DamagedFormat'];

/** In a sentence what is wrong with a part of the disk. Every other error (a store that is away, a bug) is thrown on. */
export function damageOf(error: unknown): string {
  const isDamage =
    error instanceof DiskError ||
    error instanceof FormatError ||
    (error instanceof UnderstudyError && DAMAGE_CODES.includes(error.code));
  if (!isDamage) throw error;
  return guestText(error.message);
}
