import { FormatError } from '../errors.ts';
import type { ImagePlaces, OpenJob, OpenPart } from './block-jobs.ts';
import { BLOCK_BYTES } from './block-source.ts';
import { free } from './bytes.ts';
import { packKey } from './object-keys.ts';
import { SEGMENT_BLOCKS } from './parameters.ts';
import { mustKnowEpoch } from './read-segment.ts';
import type { Segment, SegmentEntry, SegmentPack } from './segment.ts';
import type { Vault } from './vault.ts';

/** One stored block, proven; blocks that do not appear are holes. */
export interface VolumeBlock {
  readonly index: number;
  /** The reader's alone. Some Web APIs refuse it, as it may stand in a SharedArrayBuffer. */
  readonly bytes: Uint8Array;
  /** Of the plain bytes. */
  readonly sha256: Uint8Array;
  /** For a reader that needs `bytes` no more: their memory is used again. Who does not say so leaves it to the collector. */
  giveBack(): void;
}

/** Stored blocks of one segment that lie near each other in one pack. */
export interface PackRun {
  readonly segment: Segment;
  readonly pack: SegmentPack;
  /** In block order. */
  readonly entries: readonly SegmentEntry[];
  readonly offset: number;
  readonly length: number;
}

/** The bytes of a run: one range request. */
export async function fetchRun(
  vault: Vault,
  { pack, offset, length }: PackRun,
  signal: AbortSignal,
): Promise<Uint8Array> {
  return vault.store.get(packKey(pack.runId, pack.packId), signal, { offset, length });
}

/** The same into memory that all threads see, which spares every block a copy; the run must fit. */
export async function fetchRunInto(
  vault: Vault,
  { run, room }: { readonly run: PackRun; readonly room: SharedArrayBuffer },
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { pack, offset, length } = run;
  const place = new Uint8Array(room, 0, length);
  const bytes = await vault.store.get(packKey(pack.runId, pack.packId), signal, { offset, length, room: place });
  if (bytes.buffer !== room) place.set(bytes);
  return place;
}

interface EntriesToOpen {
  readonly bytes: Uint8Array;
  readonly entries: readonly SegmentEntry[];
  /** Written there, blocks come back without bytes; an error of the system then has its `code`. */
  readonly image?: OpenImage | undefined;
  /** Where the blocks shall stand; it must hold them all. `free` is called once every block was given back. */
  readonly room?: BlockRoom;
  /** Blocks that nobody looks at come back without bytes. */
  readonly onlyProve?: boolean;
}

export interface BlockRoom {
  readonly bytes: SharedArrayBuffer;
  readonly free: () => void;
}

/** An image being written; it stays open as long as somebody waits for blocks to be in it. */
export type OpenImage = Omit<ImagePlaces, 'indexes'>;

/**
 * Opens and proves some blocks of a fetched run, in a thread. `bytes` are free once it is called, those in shared memory
 * when it has settled. The error names pack and block.
 */
export async function openEntries(
  vault: Vault,
  { segment, pack, offset }: PackRun,
  { bytes, entries, image, room, onlyProve = false }: EntriesToOpen,
): Promise<VolumeBlock[]> {
  const first = entries[0]?.offset ?? offset;
  const end = Math.max(...entries.map((entry) => entry.offset + entry.sealedBytes));
  const { sealed, at } = forThread(bytes.subarray(first - offset, end - offset));
  const parts: OpenPart[] = entries.map((entry) => ({ ...partOf(entry), offset: at + entry.offset - first }));
  const epoch = mustKnowEpoch(vault, pack.keyEpoch);
  const keys = {
    vaultId: vault.vaultId,
    block: vault.keys.data(epoch, 'block'),
    blockId: vault.keys.data(1, 'block-id'),
  };
  const indexOf = (entry: SegmentEntry | undefined) => segment.segmentIndex * SEGMENT_BLOCKS + (entry?.position ?? 0);
  const places = image && { image: { ...image, indexes: entries.map(indexOf) } };
  const into = room && { room: room.bytes };
  const reply = await vault.threads.run({ kind: 'open', keys, sealed, parts, onlyProve, ...places, ...into });
  if (reply.kind === 'failed') {
    const object = packKey(pack.runId, pack.packId);
    const entry = entries[reply.part ?? 0];
    if (reply.code !== undefined) throw Object.assign(new Error(reply.message), { code: reply.code });
    if (!reply.isFormat) throw new TypeError(`${object}: ${reply.message}`);
    const message = `${object}: block ${indexOf(entry)} at offset ${entry?.offset ?? 0}: ${reply.message}`;
    throw new FormatError(message, { context: { object, block: indexOf(entry) } });
  }
  if (reply.kind !== 'opened') throw new TypeError(`asked to open, got ${reply.kind}`);
  const giveBackOne = room && countDown(reply.blocks.length, room.free);
  return reply.blocks.map(({ bytes: own, sha256 }, i) => {
    const block = room ? new Uint8Array(room.bytes, i * BLOCK_BYTES, BLOCK_BYTES) : own;
    return { index: indexOf(entries[i]), bytes: block, sha256, giveBack: once(giveBackOne ?? (() => free(own))) };
  });
}

/** What calls `last` when it was called `count` times. */
function countDown(count: number, last: () => void): () => void {
  let left = count;
  return () => {
    left--;
    if (left === 0) last();
  };
}

function once(work: () => void): () => void {
  return countDown(1, work);
}

/** What is not shared is handed over, as a copy of its own: a view would hand over the whole range. */
function forThread(bytes: Uint8Array): { readonly sealed: OpenJob['sealed']; readonly at: number } {
  if (bytes.buffer instanceof SharedArrayBuffer) return { sealed: bytes.buffer, at: bytes.byteOffset };
  return { sealed: Uint8Array.from(bytes).buffer, at: 0 };
}

function partOf({ sealedBytes, codec, blockId }: SegmentEntry): Omit<OpenPart, 'offset'> {
  return { sealedBytes, codec, blockId };
}
