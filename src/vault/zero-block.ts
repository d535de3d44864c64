import { BLOCK_BYTES } from './block-source.ts';
import { sha256Of } from './bytes.ts';

/** What a hole reads as. Everybody's: to compare with and to write, never to hand out. */
export const ZERO_BLOCK = Buffer.alloc(BLOCK_BYTES);
export const ZERO_BLOCK_SHA256 = sha256Of(ZERO_BLOCK);
