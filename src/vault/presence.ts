import { VaultError } from '../errors.ts';

/** Turns ObjectMissing into undefined; every other error passes. */
export async function ifPresent<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof VaultError && error.code === 'ObjectMissing') return undefined;
    throw error;
  }
}

/** For `catch`: of what is damaged nothing can be read; every other error passes. */
export function undefinedIfDamaged(error: unknown): undefined {
  if (!(error instanceof VaultError && error.code === 'ObjectDamaged')) throw error;
}

/** True when the object was created, false when another one stands there. */
export async function createdFirst(create: Promise<void>): Promise<boolean> {
  try {
    await create;
    return true;
  } catch (error) {
    if (error instanceof VaultError && error.code === 'ObjectExists') return false;
    throw error;
  }
}
