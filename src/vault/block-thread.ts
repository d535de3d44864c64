/** Runs in a worker thread: hashing, compressing and sealing blocks, and the way back. */
import { parentPort } from 'node:worker_threads';
import { FormatError } from '../errors.ts';
import { placeOf } from './batch.ts';
import type { BlockJob, BlockReply, ImagePlaces, OpenedPart, OpenJob, SealedPart, SealJob } from './block-jobs.ts';
import { BLOCK_BYTES } from './block-source.ts';
import { copyInto, free, hex, sameBytes, sha256Of } from './bytes.ts';
import { NONCE_BYTES } from './gcm.ts';
import { alignedRoom } from './image/aligned-room.ts';
import { placeBlock } from './image/place-block.ts';
import { blockIdFrom, openBlock, sealBlock, sealProven } from './sealed-block.ts';
import { ZERO_BLOCK, ZERO_BLOCK_SHA256 } from './zero-block.ts';

// Jobs are answered in their order; the next one begins while blocks of one are being written.
let answered = Promise.resolve();
parentPort?.on('message', (job: BlockJob) => {
  const outcome = job.kind === 'seal' ? runSeal(job) : runOpen(job);
  answered = answered.then(async () => {
    const { reply, transfer } = await outcome;
    parentPort?.postMessage(reply, transfer);
  });
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

function sealAll({ batch, blocks, nonces, keys, verify, expected, announced }: SealJob): SealedPart[] {
  const parts: SealedPart[] = [];
  let offset = 0;
  for (let i = 0; i < blocks; i++) {
    const block = placeOf(batch, i);
    const promised = announced?.[i];
    if (ZERO_BLOCK.equals(block)) {
      if (promised) mustHaveDigest(ZERO_BLOCK_SHA256, promised);
      parts.push(null);
      continue;
    }
    const known = expected?.[i];
    if (known && sameBytes(known, blockIdFrom(promised ?? sha256Of(block), keys))) {
      if (promised) mustHaveDigest(sha256Of(block), promised);
      parts.push('same');
      continue;
    }
    const nonce = nonces.subarray(i * NONCE_BYTES, (i + 1) * NONCE_BYTES);
    const into = { keys, nonce, room: new Uint8Array(batch, offset) };
    const { blockId, codec, sealed, sha256 } = verify ? sealProven(block, into) : sealBlock(block, into);
    if (promised) mustHaveDigest(sha256, promised);
    parts.push({ offset, sealedBytes: sealed.length, codec, blockId: Uint8Array.from(blockId) });
    offset += sealed.length;
  }
  return parts;
}

function mustHaveDigest(found: Uint8Array, promised: Uint8Array): void {
  if (sameBytes(found, promised)) return;
  throw new FormatError(`a block has the SHA-256 ${hex(found)}, its source announced ${hex(promised)}`);
}

async function runOpen(job: OpenJob): Promise<Outcome> {
  // Begun one after the other: while one block is being written, the next is opened.
  const opened = await Promise.allSettled(job.parts.map((_, part) => openPart(job, part)));
  const blocks: OpenedPart[] = [];
  for (const [part, result] of opened.entries()) {
    if (result.status === 'rejected')
      return { reply: { kind: 'failed', part, ...explain(result.reason) }, transfer: [] };
    blocks.push(result.value);
  }
  free(new Uint8Array(job.sealed));
  const transfer = job.to.kind === 'reader' ? blocks.map(({ bytes }) => bytes.buffer as ArrayBuffer) : [];
  return { reply: { kind: 'opened', blocks }, transfer };
}

const NO_BYTES = new Uint8Array();
/** As many as blocks were being written at once. */
const rooms: Uint8Array[] = [];

async function openPart({ sealed, parts, keys, to }: OpenJob, part: number): Promise<OpenedPart> {
  const { offset, sealedBytes, codec, blockId } = parts[part] ?? fail(part);
  const { bytes, ...rest } = openBlock({ blockId, codec, sealed: new Uint8Array(sealed, offset, sealedBytes) }, keys);
  const sha256 = Uint8Array.from(rest.sha256);
  if (to.kind === 'reader') return { bytes, sha256 };
  if (to.kind === 'room') copyInto(new Uint8Array(to.room, part * BLOCK_BYTES, BLOCK_BYTES), bytes);
  if (to.kind === 'image') await writeInto(to, part, bytes);
  else free(bytes);
  return { bytes: NO_BYTES, sha256 };
}

/** Here and not in the main thread: 512 KiB that cross threads leave the cache, and their pages are given back and faulted in anew. */
async function writeInto(image: ImagePlaces, part: number, bytes: Uint8Array): Promise<void> {
  const room = rooms.pop() ?? alignedRoom(BLOCK_BYTES);
  const written = placeBlock({ bytes, room, image, index: image.indexes[part] ?? 0 });
  free(bytes);
  await written.finally(() => rooms.push(room));
}

function fail(part: number): never {
  throw new RangeError(`a job without part ${part}`);
}

function explain(error: unknown): { message: string; isFormat: boolean; code?: string } {
  const message = error instanceof Error ? error.message : `threw ${hex(Buffer.from(String(error)))}`;
  const code = error instanceof Error && 'syscall' in error && 'code' in error && { code: String(error.code) };
  return { message, isFormat: error instanceof FormatError, ...code };
}
