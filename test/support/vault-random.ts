import { createHash } from 'node:crypto';
import type { RandomBytes } from '../../src/vault/clock.ts';

/** Random-looking bytes that are the same for the same seed, so that a failure can be repeated. */
export function seededBytes(seed: string): RandomBytes {
  let counter = 0;
  return (bytes) =>
    Uint8Array.from(createHash('shake256', { outputLength: bytes }).update(`${seed} ${counter++}`).digest());
}
