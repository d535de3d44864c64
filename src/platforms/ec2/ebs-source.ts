import { Readable } from 'node:stream';
import {
  GetSnapshotBlockCommand,
  type GetSnapshotBlockCommandOutput,
  ListChangedBlocksCommand,
  ListSnapshotBlocksCommand,
} from '@aws-sdk/client-ebs';
import type { Run } from '../../contract/run.ts';
import { PlatformError } from '../../errors.ts';
import {
  type AnnouncedBlock,
  BLOCK_BYTES,
  type BlockRange,
  type BlockRef,
  type BlockSource,
} from '../../vault/block-source.ts';
import { sameBytes, sha256Of } from '../../vault/bytes.ts';
import { fillRoom } from '../../vault/fill-room.ts';
import { ZERO_BLOCK_SHA256 } from '../../vault/zero-block.ts';
import type { Ec2Context } from './context.ts';
import { retryBlockCall } from './ebs-retry.ts';
import { isCode } from './errors.ts';
import { GIB, present } from './narrow.ts';
import { claimSnapshot } from './owned.ts';

/** Token of a block that the parent holds and this snapshot does not: it reads as zeros without a call. */
const HOLE = '';
const SHA256_BYTES = 32;

// A segment has 8,192 blocks: one page, and its tokens are used before the next listing kills them.
const MAX_RESULTS = 10_000;
/** MaxResults below 100 is treated as 100 (API_ListSnapshotBlocks). */
const MIN_RESULTS = 100;

export async function openEbsSource(
  context: Ec2Context,
  run: Run,
  snapshotId: string,
  signal: AbortSignal,
): Promise<BlockSource> {
  const { snapshot } = await claimSnapshot(context, run, snapshotId, signal);
  if (snapshot.State !== 'completed') {
    throw new PlatformError(
      'NotReadyYet',
      `The snapshot ${snapshotId} is ${snapshot.State}; only completed ones can be read.`,
    );
  }
  const volumeBytes = present(snapshot.VolumeSize, 'VolumeSize', snapshotId) * GIB;
  return {
    volumeBytes,
    blocks: (range, listSignal) => listBlocks(context, snapshotId, range, listSignal),
    changedSince: (parent, range, listSignal) => listChanged(context, { parent, snapshotId, range }, listSignal),
    read: async (ref, readSignal, room) =>
      (await fetchBlock(context, { snapshotId, ref, room, compare: true }, readSignal)).bytes,
    receive: (ref, readSignal, room) => fetchBlock(context, { snapshotId, ref, room, compare: false }, readSignal),
  };
}

async function* listBlocks(
  context: Ec2Context,
  SnapshotId: string,
  range: BlockRange,
  signal: AbortSignal,
): AsyncIterable<BlockRef> {
  const pages = pagesOf(range, (start) => {
    const command = new ListSnapshotBlocksCommand({ SnapshotId, ...start });
    return retryBlockCall(context, { attempted: `ListSnapshotBlocks ${SnapshotId}` }, signal, async () => {
      const page = await context.clients.ebs.send(command, { abortSignal: signal });
      mustHaveOurBlockSize(page.BlockSize, SnapshotId);
      return { items: page.Blocks ?? [], next: page.NextToken };
    });
  });
  for await (const { BlockIndex, BlockToken } of pages) {
    const index = present(BlockIndex, 'BlockIndex', SnapshotId);
    yield { index, token: present(BlockToken, 'BlockToken', `block ${index} of ${SnapshotId}`) };
  }
}

interface Comparison {
  readonly parent: string;
  readonly snapshotId: string;
  readonly range: BlockRange;
}

async function listChanged(
  context: Ec2Context,
  { parent, snapshotId, range }: Comparison,
  signal: AbortSignal,
): Promise<AsyncIterable<BlockRef> | 'unrelated'> {
  const readPage = (start: PageStart) => {
    const command = new ListChangedBlocksCommand({ FirstSnapshotId: parent, SecondSnapshotId: snapshotId, ...start });
    return retryBlockCall(context, { attempted: `ListChangedBlocks ${parent} ${snapshotId}` }, signal, async () => {
      const page = await context.clients.ebs.send(command, { abortSignal: signal });
      mustHaveOurBlockSize(page.BlockSize, snapshotId);
      return { items: page.ChangedBlocks ?? [], next: page.NextToken };
    });
  };
  // Unrelated snapshots are refused by the first page, so it is read before anything is promised.
  let first: Awaited<ReturnType<typeof readPage>> | undefined;
  try {
    first = await readPage(startOf(range));
  } catch (error) {
    // A parent that is gone tells as little as one that is no relative.
    if (isCode(error, 'UnrelatedSnapshots', 'ResourceMissing')) return 'unrelated';
    throw error;
  }
  return (async function* () {
    const pages = pagesOf(range, (start) => {
      const known = first;
      first = undefined;
      return known ? Promise.resolve(known) : readPage(start);
    });
    for await (const { BlockIndex, SecondBlockToken } of pages) {
      yield { index: present(BlockIndex, 'BlockIndex', snapshotId), token: SecondBlockToken ?? HOLE };
    }
  })();
}

interface PageStart {
  readonly StartingBlockIndex?: number;
  readonly NextToken?: string;
  readonly MaxResults: number;
}

interface ListPage<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

function startOf({ from, to }: BlockRange): PageStart {
  return { StartingBlockIndex: from, MaxResults: Math.min(MAX_RESULTS, Math.max(MIN_RESULTS, to - from)) };
}

/** Items of a range in ascending order. Pages may be short, or empty with a successor; listing stops at `range.to`. */
async function* pagesOf<T extends { readonly BlockIndex?: number | undefined }>(
  range: BlockRange,
  read: (start: PageStart) => Promise<ListPage<T>>,
): AsyncIterable<T> {
  if (range.from >= range.to) return;
  let page = await read(startOf(range));
  let last = range.from - 1;
  for (;;) {
    for (const item of page.items) {
      const index = item.BlockIndex ?? Number.NaN;
      if (index >= range.to) return;
      if (!(index > last)) {
        throw new PlatformError(
          'PlatformAnswerIncomplete',
          `A listing went from block ${last} to ${index}: not ascending.`,
        );
      }
      last = index;
      yield item;
    }
    if (!page.next) return;
    page = await read({ NextToken: page.next, MaxResults: startOf(range).MaxResults });
  }
}

interface BlockFetch {
  readonly snapshotId: string;
  readonly ref: BlockRef;
  readonly room: Uint8Array | undefined;
  /** Whether the bytes must have the SHA-256 that came with them; otherwise the caller looks. */
  readonly compare: boolean;
}

/** The call, its body, its length and, if compared, its digest are one unit: any of them can fail in transit. */
async function fetchBlock(
  context: Ec2Context,
  { snapshotId: SnapshotId, ref: { index, token }, room, compare }: BlockFetch,
  signal: AbortSignal,
): Promise<AnnouncedBlock> {
  if (token === HOLE) return { bytes: room?.fill(0) ?? new Uint8Array(BLOCK_BYTES), sha256: ZERO_BLOCK_SHA256 };
  const attempted = `GetSnapshotBlock ${SnapshotId} ${index}`;
  return retryBlockCall(context, { attempted }, signal, async () => {
    const command = new GetSnapshotBlockCommand({ SnapshotId, BlockIndex: index, BlockToken: token });
    const answer = await context.clients.ebs.send(command, { abortSignal: signal });
    const bytes = await readBody(present(answer.BlockData, 'BlockData', attempted), room);
    const sha256 = Buffer.from(answer.Checksum ?? '', 'base64');
    const announces = answer.ChecksumAlgorithm === 'SHA256' && sha256.length === SHA256_BYTES;
    const isWhole = bytes.length === BLOCK_BYTES && announces && (!compare || sameBytes(sha256Of(bytes), sha256));
    if (isWhole) return { bytes, sha256 };
    const found = `${bytes.length} bytes with SHA-256 ${sha256Of(bytes).toString('base64')}`;
    throw new PlatformError('DamagedBlock', `${attempted}: ${found}, announced ${answer.Checksum}.`, {
      context: { snapshotId: SnapshotId, index },
    });
  });
}

type BlockBody = NonNullable<GetSnapshotBlockCommandOutput['BlockData']>;

async function readBody(body: BlockBody, room: Uint8Array = new Uint8Array(BLOCK_BYTES)): Promise<Uint8Array> {
  if (!(body instanceof Readable)) return body.transformToByteArray(); // whoever reads from no socket
  const length = await fillRoom(body, room);
  if (length > BLOCK_BYTES) return new Uint8Array(length); // refused by its length
  return length === BLOCK_BYTES ? room : room.slice(0, length);
}

function mustHaveOurBlockSize(blockSize: number | undefined, snapshotId: string): void {
  if (blockSize === BLOCK_BYTES) return;
  throw new PlatformError(
    'PlatformRefused',
    `The blocks of ${snapshotId} have ${blockSize} bytes, this version reads ${BLOCK_BYTES}.`,
  );
}
