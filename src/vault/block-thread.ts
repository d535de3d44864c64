/** Runs in a worker thread: hashing, compressing and sealing blocks, and the way back. */
import { writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { FormatError } from '../errors.ts';
import { placeOf } from './batch.ts';
import type { BlockJob, BlockReply, ImagePlaces, OpenedPart, OpenJob, SealedPart, SealJob } from './block-jobs.ts';
import { BLOCK_BYTES } from './block-source.ts';
import { free, hex, sameBytes } from './bytes.ts';
import { NONCE_BYTES } from './gcm.ts';
import { blockIdOf, openBlock, sealBlock } from './sealed-block.ts';

const ZEROS = Buffer.alloc(BLOCK_BYTES);

parentPort?.on('message', (job: BlockJob) => {
  const { reply, transfer } = job.kind === 'seal' ? runSeal(job) : runOpen(job);
  parentPort?.postMessage(reply, transfer);
});

interface Outcome {
  readonly reply: BlockReply;
  readonly transfer: ArrayBuffer[];
}

function runSeal(job: SealJob): Outcome {
  try {
    return { reply: { kind: 'sealed', parts: sealAll(job) }, transfer: [] };
  } catch (error) {
    return { reply: { kind: 'failed', ...explain(error) }, transfer: [] };
  }
}

function sealAll({ batch, blocks, nonces, keys, verify, expected }: SealJob): SealedPart[] {
  const parts: SealedPart[] = [];
  let offset = 0;
  for (let i = 0; i < blocks; i++) {
    const block = placeOf(batch, i);
    if (ZEROS.equals(block)) {
      parts.push(null);
      continue;
    }
    const blockId = blockIdOf(block, keys);
    const known = expected?.[i];
    if (known && sameBytes(known, blockId)) {
      parts.push('same');
      continue;
    }
    const nonce = nonces.subarray(i * NONCE_BYTES, (i + 1) * NONCE_BYTES);
    const sealed = sealBlock({ block, blockId }, { keys, nonce, room: new Uint8Array(batch, offset) });
    // Bad memory shows here, not at a restore: what goes into the pack must give the block that was hashed.
    if (verify) free(openBlock(sealed, keys).bytes);
    parts.push({ offset, sealedBytes: sealed.sealed.length, codec: sealed.codec, blockId: Uint8Array.from(blockId) });
    offset += sealed.sealed.length;
  }
  return parts;
}

function runOpen({ sealed, parts, keys, image }: OpenJob): Outcome {
  const blocks: OpenedPart[] = [];
  for (const [part, { offset, sealedBytes, codec, blockId }] of parts.entries()) {
    try {
      const opened = openBlock({ blockId, codec, sealed: new Uint8Array(sealed, offset, sealedBytes) }, keys);
      const bytes = image ? written(opened.bytes, image, part) : opened.bytes;
      blocks.push({ bytes, sha256: Uint8Array.from(opened.sha256) });
    } catch (error) {
      return { reply: { kind: 'failed', part, ...explain(error) }, transfer: [] };
    }
  }
  free(new Uint8Array(sealed));
  const transfer = image ? [] : blocks.map(({ bytes }) => bytes.buffer as ArrayBuffer);
  return { reply: { kind: 'opened', blocks }, transfer };
}

const NO_BYTES = new Uint8Array();

/** Here and not in the main thread: 512 KiB that cross threads leave the cache, and their pages are given back and faulted in anew. */
function written(bytes: Uint8Array, { fd, volumeBytes, indexes }: ImagePlaces, part: number): Uint8Array {
  const at = (indexes[part] ?? 0) * BLOCK_BYTES;
  const length = Math.min(BLOCK_BYTES, volumeBytes - at);
  for (let done = 0; done < length; ) {
    const taken = writeSync(fd, bytes, done, length - done, at + done);
    if (taken === 0) throw new TypeError(`the file took none of ${length - done} bytes and gave no reason`);
    done += taken;
  }
  free(bytes);
  return NO_BYTES;
}

function explain(error: unknown): { message: string; isFormat: boolean; code?: string } {
  const message = error instanceof Error ? error.message : `threw ${hex(Buffer.from(String(error)))}`;
  const code = error instanceof Error && 'syscall' in error && 'code' in error && { code: String(error.code) };
  return { message, isFormat: error instanceof FormatError, ...code };
}
