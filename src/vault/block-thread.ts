/** Runs in a worker thread: hashing, compressing and sealing blocks, and the way back. */
import { parentPort } from 'node:worker_threads';
import { FormatError } from '../errors.ts';
import type { BlockJob, BlockReply, OpenJob, SealedPart, SealJob } from './block-jobs.ts';
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
  const transfer = [job.input, job.output];
  try {
    return { reply: { kind: 'sealed', input: job.input, output: job.output, parts: sealAll(job) }, transfer };
  } catch (error) {
    return { reply: { kind: 'failed', input: job.input, output: job.output, ...explain(error) }, transfer };
  }
}

function sealAll({ input, output, blocks, nonces, keys, expected }: SealJob): SealedPart[] {
  const parts: SealedPart[] = [];
  const target = new Uint8Array(output);
  let offset = 0;
  for (let i = 0; i < blocks; i++) {
    const block = new Uint8Array(input, i * BLOCK_BYTES, BLOCK_BYTES);
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
    const { codec, sealed } = sealBlock({ block, blockId }, keys, nonce);
    const sealedBytes = sealed.length;
    target.set(sealed, offset);
    free(sealed);
    parts.push({ offset, sealedBytes, codec, blockId: Uint8Array.from(blockId) });
    offset += sealedBytes;
  }
  return parts;
}

function runOpen({ sealed, parts, keys }: OpenJob): Outcome {
  const output = new ArrayBuffer(parts.length * BLOCK_BYTES);
  const digests: Uint8Array[] = [];
  for (const [i, { offset, sealedBytes, codec, blockId }] of parts.entries()) {
    try {
      const opened = openBlock({ blockId, codec, sealed: sealed.subarray(offset, offset + sealedBytes) }, keys);
      new Uint8Array(output).set(opened.bytes, i * BLOCK_BYTES);
      free(opened.bytes);
      digests.push(Uint8Array.from(opened.sha256));
    } catch (error) {
      return { reply: { kind: 'failed', part: i, ...explain(error) }, transfer: [] };
    }
  }
  return { reply: { kind: 'opened', output, digests }, transfer: [output] };
}

function explain(error: unknown): { message: string; isFormat: boolean } {
  const message = error instanceof Error ? error.message : `threw ${hex(Buffer.from(String(error)))}`;
  return { message, isFormat: error instanceof FormatError };
}
