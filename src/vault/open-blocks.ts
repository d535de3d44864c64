import { FormatError } from '../errors.ts';
import type { ImagePlaces, OpenedTo, OpenJob, OpenPart } from './block-jobs.ts';
import { BLOCK_BYTES } from './block-source.ts';
import { copyInto, free } from './bytes.ts';
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
  if (bytes.buffer !== room) copyInto(place, bytes);
  return place;
}

interface EntriesToOpen {
  readonly bytes: Uint8Array;
  readonly entries: readonly SegmentEntry[];
  readonly to?: BlocksTo;
}

/**
 * `reader`: to be kept as long as one likes. `room`: memory that is used again once all blocks of it were given back, for
 * at most BLOCKS_PER_JOB of them. `nobody`: they are only proven. An image: written there; an error of the system then has
 * its `code`. From the last two blocks come back without bytes.
 */
export type BlocksTo = 'reader' | 'room' | 'nobody' | OpenImage;

/** An image being written; it stays open as long as somebody waits for blocks to be in it. */
export type OpenImage = Omit<ImagePlaces, 'indexes'>;

/**
 * Opens and proves some blocks of a fetched run, in a thread. `bytes` are free once it is called, those in shared memory
 * when it has settled. The error names pack and block.
 */
export async function openEntries(
  vault: Vault,
  { segment, pack, offset }: PackRun,
  { bytes, entries, to = 'reader' }: EntriesToOpen,
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
  const destination = destinationOf(vault, to, entries.map(indexOf));
  const reply = await vault.threads.run({ kind: 'open', keys, sealed, parts, to: destination });
  if (reply.kind === 'failed') {
    const object = packKey(pack.runId, pack.packId);
    const entry = entries[reply.part ?? 0];
    if (reply.code !== undefined) throw Object.assign(new Error(reply.message), { code: reply.code });
    if (!reply.isFormat) throw new TypeError(`${object}: ${reply.message}`);
    const message = `${object}: block ${indexOf(entry)} at offset ${entry?.offset ?? 0}: ${reply.message}`;
    throw new FormatError(message, { context: { object, block: indexOf(entry) } });
  }
  if (reply.kind !== 'opened') throw new TypeError(`asked to open, got ${reply.kind}`);
  const found = reply.blocks.map((block, i) => ({ index: indexOf(entries[i]), ...block }));
  if (destination.kind === 'room') return inRoom(vault, destination.room, found);
  return found.map((block) => ({ ...block, giveBack: atCall(1, () => free(block.bytes)) }));
}

function destinationOf(vault: Vault, to: BlocksTo, indexes: readonly number[]): OpenedTo {
  if (typeof to === 'object') return { kind: 'image', ...to, indexes };
  return to === 'room' ? { kind: 'room', room: vault.threads.opened.take() } : { kind: to };
}

/** Blocks that stand in a room one behind the other. The last that is given back gives the room back. */
function inRoom(
  { threads }: Vault,
  room: SharedArrayBuffer,
  found: readonly Omit<VolumeBlock, 'giveBack'>[],
): VolumeBlock[] {
  const giveBackOne = atCall(found.length, () => threads.opened.give(room));
  return found.map((block, i) => {
    const bytes = new Uint8Array(room, i * BLOCK_BYTES, BLOCK_BYTES);
    return { ...block, bytes, giveBack: atCall(1, giveBackOne) };
  });
}

/** Does the work at the call of that number; before and after it, calls do nothing. */
function atCall(number: number, work: () => void): () => void {
  let calls = 0;
  return () => {
    calls++;
    if (calls === number) work();
  };
}

/** What is not shared is handed over, as a copy of its own: a view would hand over the whole range. */
function forThread(bytes: Uint8Array): { readonly sealed: OpenJob['sealed']; readonly at: number } {
  if (bytes.buffer instanceof SharedArrayBuffer) return { sealed: bytes.buffer, at: bytes.byteOffset };
  return { sealed: Uint8Array.from(bytes).buffer, at: 0 };
}

function partOf({ sealedBytes, codec, blockId }: SegmentEntry): Omit<OpenPart, 'offset'> {
  return { sealedBytes, codec, blockId };
}
