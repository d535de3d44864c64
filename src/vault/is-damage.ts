import { FormatError, VaultError } from '../errors.ts';

/** An object that is gone or changed, and stays so; anything else, such as a store that does not answer, says nothing. */
export function isDamage(error: unknown): error is FormatError | VaultError {
  if (error instanceof FormatError) return true;
  return error instanceof VaultError && (error.code === 'ObjectMissing' || error.code === 'ObjectDamaged');
}
