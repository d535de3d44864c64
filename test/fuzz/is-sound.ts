import { damageOf } from '../../src/disk/tree/damage.ts';

/** False when the work met damage; throws on what is none. */
export async function isSound(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    damageOf(error);
    return false;
  }
}
