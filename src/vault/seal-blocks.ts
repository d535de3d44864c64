import { VaultError } from '../errors.ts';
import { BLOCK_BYTES, type BlockRange, type BlockRef, type BlockSource } from './block-source.ts';
import { free } from './bytes.ts';
import { NONCE_BYTES } from './gcm.ts';
import { inOrder, type Task } from './in-order.ts';
import type { BlockToPack } from './pack-writer.ts';
import type { Run } from './run.ts';
import type { BlockKeys } from './sealed-block.ts';
import { BATCH_BLOCKS, type Batch } from './threads.ts';

// A block read takes about 100 ms (AWS, EBS direct APIs): 32 at once give 160 MiB/s, more than two cores seal.
const READS_AT_ONCE = 32;
// Two batches for each of two threads, so that none waits for the next one to be filled.
const BATCHES_AT_ONCE = 4;

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

interface FilledBatch {
  readonly batch: Batch;
  readonly indexes: readonly number[];
}

/** Reads the blocks in order and seals them in the threads. */
export async function* sealBlocks(run: Run, request: BlocksToSeal, signal: AbortSignal): AsyncGenerator<SealedBatch> {
  const { batches } = run.vault.threads;
  const lent: Lent = { batches: 0 };
  const reads = inOrder(readTasks(request), { depth: READS_AT_ONCE, signal });
  const sealTasks = mapEach(
    fillBatches(run, { blocks: reads, lent }, signal),
    (filled) => () => sealBatch(run, filled, request.expectedId),
  );
  try {
    for await (const { batch, sealed } of inOrder(sealTasks, { depth: BATCHES_AT_ONCE, signal })) {
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

interface ReadBlock {
  readonly index: number;
  readonly bytes: Uint8Array;
}

async function* readTasks({ source, refs, range }: BlocksToSeal): AsyncIterable<Task<ReadBlock>> {
  let previous = range.from - 1;
  for await (const ref of refs) {
    if (ref.index <= previous || ref.index >= range.to) {
      throw new RangeError(`the source listed block ${ref.index} after ${previous} in [${range.from}, ${range.to})`);
    }
    previous = ref.index;
    yield async (either) => ({ index: ref.index, bytes: await readWhole(source, ref, either) });
  }
}

async function readWhole(source: BlockSource, ref: { index: number; token: string }, signal: AbortSignal) {
  const bytes = await source.read(ref, signal);
  if (bytes.length !== BLOCK_BYTES)
    throw new RangeError(`the source gave ${bytes.length} bytes for block ${ref.index}`);
  return bytes;
}

/** Copies blocks into the shared buffers, so a source's own buffers can go at once. */
async function* fillBatches(
  run: Run,
  { blocks, lent }: { readonly blocks: AsyncIterable<ReadBlock>; readonly lent: Lent },
  signal: AbortSignal,
): AsyncGenerator<FilledBatch> {
  let batch: Batch | undefined;
  let indexes: number[] = [];
  for await (const { index, bytes } of blocks) {
    if (!batch) {
      batch = await run.vault.threads.batches.take(signal);
      lent.batches++;
    }
    new Uint8Array(batch.input).set(bytes, indexes.length * BLOCK_BYTES);
    // A view of something larger is not all the caller's.
    if (bytes.byteLength === bytes.buffer.byteLength) free(bytes);
    indexes.push(index);
    if (indexes.length < BATCH_BLOCKS) continue;
    yield { batch, indexes };
    batch = undefined;
    indexes = [];
  }
  if (batch) yield { batch, indexes };
}

async function* mapEach<T, U>(items: AsyncIterable<T>, map: (item: T) => U): AsyncGenerator<U> {
  for await (const item of items) yield map(item);
}

async function sealBatch(
  run: Run,
  { batch, indexes }: FilledBatch,
  expectedId: BlocksToSeal['expectedId'],
): Promise<{ batch: Batch; sealed: SealedBatch }> {
  const { vault } = run;
  const nonces = vault.randomBytes(NONCE_BYTES * indexes.length);
  const expected = expectedId && { expected: indexes.map(expectedId) };
  const job = { kind: 'seal', ...batch, blocks: indexes.length, nonces, keys: blockKeys(run), ...expected } as const;
  const reply = await vault.threads.run(job);
  if (reply.kind === 'opened' || !reply.input || !reply.output) throw new TypeError(`asked to seal, got ${reply.kind}`);
  if (reply.kind === 'failed') throw unreliable(reply, indexes);
  const returned: Batch = { input: reply.input, output: reply.output };
  const blocks: BlockToPack[] = [];
  const same: number[] = [];
  for (const [i, part] of reply.parts.entries()) {
    const blockIndex = indexes[i];
    if (!part || blockIndex === undefined) continue;
    if (part === 'same') {
      same.push(blockIndex);
      continue;
    }
    const sealed = new Uint8Array(reply.output, part.offset, part.sealedBytes);
    blocks.push({ blockIndex, codec: part.codec, blockId: part.blockId, sealed });
  }
  return { batch: returned, sealed: { blocksRead: indexes.length, lastIndex: indexes.at(-1) ?? 0, blocks, same } };
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
  const message = `a block just sealed does not open again (${reply.message}); the memory or processor of this machine is unreliable, use another one`;
  return new VaultError('DamagedBlock', message, {
    context: { firstBlock: indexes[0] ?? 0 },
  });
}
