import { createHash } from 'node:crypto';

/** SHA-256 of one block, as sinks want it beside the bytes. */
export function digestBlock(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}
