import { VaultError } from '../errors.ts';
import { BATCH_BLOCKS, placeOf } from './batch.ts';
import type { BlockReply } from './block-jobs.ts';
import { BLOCK_BYTES, type BlockRange, type BlockRef, type BlockSource } from './block-source.ts';
import { copyInto, free } from './bytes.ts';
import { NONCE_BYTES } from './gcm.ts';
import { inOrder, type Task } from './in-order.ts';
import type { BlockToPack } from './pack-writer.ts';
import type { Run } from './run.ts';
import type { BlockKeys } from './sealed-block.ts';
import { BATCHES } from './threads.ts';

export interface SealedBatch {
  readonly blocksRead: number;
  /** The highest block index in it. */
  readonly lastIndex: number;
  /** Without holes; valid until the next batch is asked for. */
  readonly blocks: readonly BlockToPack[];
  /** Indexes of blocks that have the expected id: not sealed. */
  readonly same: readonly number[];
}

export interface BlocksToSeal {
  readonly source: BlockSource;
  /** Of one listing, ascending, all in `range`. */
  readonly refs: AsyncIterable<BlockRef> | Iterable<BlockRef>;
  readonly range: BlockRange;
  /** The id a block had before; if it still has it, it is not sealed again. */
  readonly expectedId?: (index: number) => Uint8Array | undefined;
}

/**
 * Reads the blocks into batches and seals those in the threads, in order. A shard may take every batch there is: they
 * are given in the order of asking, so its oldest always has one, and another shard gets the next that is given back.
 */
export async function* sealBlocks(run: Run, request: BlocksToSeal, signal: AbortSignal): AsyncGenerator<SealedBatch> {
  const { batches } = run.vault.threads;
  const lent: Lent = { batches: 0 };
  try {
    for await (const { batch, sealed } of inOrder(batchTasks(run, request, lent), { depth: BATCHES, signal })) {
      yield sealed;
      batches.give(batch);
      lent.batches--;
    }
  } finally {
    // Whatever was on its way when something failed is gone, and so are its buffers.
    for (; lent.batches > 0; lent.batches--) batches.replace();
  }
}

/** How many batches this segment has taken and not given back. */
interface Lent {
  batches: number;
}

interface ReturnedBatch {
  readonly batch: SharedArrayBuffer;
  readonly sealed: SealedBatch;
}

async function* batchTasks(run: Run, request: BlocksToSeal, lent: Lent): AsyncGenerator<Task<ReturnedBatch>> {
  const { vault } = run;
  const { source, expectedId } = request;
  for await (const refs of groups(ascending(request))) {
    const nonces = vault.randomBytes(NONCE_BYTES * refs.length);
    yield async (signal) => {
      const batch = await vault.threads.batches.take(signal);
      lent.batches++;
      return fillAndSeal(run, source, { refs, batch, nonces, expectedId }, signal);
    };
  }
}

async function* ascending({ refs, range }: BlocksToSeal): AsyncGenerator<BlockRef> {
  let previous = range.from - 1;
  for await (const ref of refs) {
    if (ref.index <= previous || ref.index >= range.to) {
      throw new RangeError(`the source listed block ${ref.index} after ${previous} in [${range.from}, ${range.to})`);
    }
    previous = ref.index;
    yield ref;
  }
}

async function* groups(refs: AsyncIterable<BlockRef>): AsyncGenerator<readonly BlockRef[]> {
  let group: BlockRef[] = [];
  for await (const ref of refs) {
    group.push(ref);
    if (group.length < BATCH_BLOCKS) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

interface BatchToFill {
  readonly refs: readonly BlockRef[];
  readonly batch: SharedArrayBuffer;
  readonly nonces: Uint8Array;
  readonly expectedId: BlocksToSeal['expectedId'];
}

async function fillAndSeal(
  run: Run,
  source: BlockSource,
  toFill: BatchToFill,
  signal: AbortSignal,
): Promise<ReturnedBatch> {
  if (announces(source)) {
    const announced = await fillAll(toFill, (ref, place) => receiveInto(source, { ref, place }, signal));
    const reply = await askToSeal(run, { ...toFill, announced });
    if (!isFormatFailure(reply)) return sealedBatch(toFill, reply);
    // A block is not what its source announced: it was damaged on its way, or here. All are read again, and compared first.
  }
  await fillAll(toFill, (ref, place) => readInto(source, { ref, place }, signal));
  return sealedBatch(toFill, await askToSeal(run, toFill));
}

/** Settles when all reads have: none may still write into a batch that somebody else has got. */
async function fillAll<T>(
  { refs, batch }: BatchToFill,
  fill: (ref: BlockRef, place: Uint8Array) => Promise<T>,
): Promise<T[]> {
  const filled: T[] = [];
  for (const one of await Promise.allSettled(refs.map((ref, i) => fill(ref, placeOf(batch, i))))) {
    if (one.status === 'rejected') throw one.reason;
    filled.push(one.value);
  }
  return filled;
}

interface Place {
  readonly ref: BlockRef;
  readonly place: Uint8Array;
}

async function readInto(source: BlockSource, { ref, place }: Place, signal: AbortSignal): Promise<void> {
  putInto(place, await source.read(ref, signal, place), ref);
}

type AnnouncingSource = Required<BlockSource>;

function announces(source: BlockSource): source is AnnouncingSource {
  return source.receive !== undefined;
}

/** Resolves with the SHA-256 that the block should have. */
async function receiveInto(source: AnnouncingSource, { ref, place }: Place, signal: AbortSignal): Promise<Uint8Array> {
  const { bytes, sha256 } = await source.receive(ref, signal, place);
  putInto(place, bytes, ref);
  return sha256;
}

function putInto(place: Uint8Array, bytes: Uint8Array, { index }: BlockRef): void {
  if (bytes.length !== BLOCK_BYTES) throw new RangeError(`the source gave ${bytes.length} bytes for block ${index}`);
  if (bytes.buffer === place.buffer) return;
  copyInto(place, bytes);
  // A view of something larger is not all the caller's.
  if (bytes.byteLength === bytes.buffer.byteLength) free(bytes);
}

interface FilledBatch extends BatchToFill {
  readonly announced?: readonly Uint8Array[];
}

function askToSeal(run: Run, { refs, batch, nonces, expectedId, announced }: FilledBatch): Promise<BlockReply> {
  const { threads, verifySealed: verify } = run.vault;
  const expected = expectedId && { expected: refs.map(({ index }) => expectedId(index)) };
  const what = { keys: blockKeys(run), batch, blocks: refs.length, nonces, verify, ...expected };
  return threads.run({ kind: 'seal', ...what, ...(announced && { announced }) });
}

function isFormatFailure(reply: BlockReply): boolean {
  return reply.kind === 'failed' && reply.isFormat;
}

function sealedBatch({ refs, batch }: BatchToFill, reply: BlockReply): ReturnedBatch {
  const indexes = refs.map(({ index }) => index);
  if (reply.kind === 'failed') throw unreliable(reply, indexes);
  if (reply.kind !== 'sealed') throw new TypeError(`asked to seal, got ${reply.kind}`);
  const blocks: BlockToPack[] = [];
  const same: number[] = [];
  for (const [i, part] of reply.parts.entries()) {
    const blockIndex = indexes[i];
    if (!part || blockIndex === undefined) continue;
    if (part === 'same') {
      same.push(blockIndex);
      continue;
    }
    const sealed = new Uint8Array(batch, part.offset, part.sealedBytes);
    blocks.push({ blockIndex, codec: part.codec, blockId: part.blockId, sealed });
  }
  const sealed = { blocksRead: indexes.length, lastIndex: indexes.at(-1) ?? 0, blocks, same };
  return { batch, sealed };
}

function blockKeys({ vault, session }: Run): BlockKeys {
  return {
    vaultId: vault.vaultId,
    block: vault.keys.data(session.epoch, 'block'),
    blockId: vault.keys.data(1, 'block-id'),
  };
}

function unreliable(reply: { message: string; isFormat: boolean }, indexes: readonly number[]): Error {
  if (!reply.isFormat) return new TypeError(`sealing blocks ${indexes.join(', ')}: ${reply.message}`);
  const message = `a block just sealed is not the block that was read (${reply.message}); the memory or processor of this machine is unreliable, use another one`;
  return new VaultError('DamagedBlock', message, {
    context: { firstBlock: indexes[0] ?? 0 },
  });
}
