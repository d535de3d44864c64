import { FormatError, VaultError } from '../../errors.ts';
import { BLOCK_BYTES } from '../block-source.ts';
import { free } from '../bytes.ts';
import { isDamage } from '../is-damage.ts';
import type { VolumeBlock } from '../open-blocks.ts';
import { countBlocks, countSegmentBlocks, SEGMENT_BLOCKS } from '../parameters.ts';
import type { Segment, SegmentEntry } from '../segment.ts';
import type { Vault } from '../vault.ts';
import { readVolumeBlocks } from '../volume-blocks.ts';
import type { VolumeMap } from '../volume-map.ts';
import { ZERO_BLOCK } from '../zero-block.ts';
import { compareSegment } from './compare-image.ts';
import { type ImageTarget, writeFully, writing } from './image-target.ts';
import { type MissingBlocks, type Salvaged, salvageSegment } from './salvage.ts';
import { SteadySync } from './steady-sync.ts';

export interface VolumeWriterRequest {
  readonly vault: Vault;
  readonly map: VolumeMap;
  readonly target: ImageTarget;
  readonly keepGoing: boolean;
  readonly signal: AbortSignal;
  readonly onDone: (storedBlocks: number) => void;
}

/** Brings a volume's blocks into an image, those that are not there yet. */
export class VolumeWriter {
  readonly #request: VolumeWriterRequest;
  readonly #kept = new Map<number, number>();
  readonly #missing: MissingBlocks[] = [];
  readonly #sync: SteadySync;
  #written = 0;

  constructor(request: VolumeWriterRequest) {
    this.#request = request;
    this.#sync = new SteadySync(request.target.file);
  }

  get bytesWritten(): number {
    return this.#written * BLOCK_BYTES;
  }

  get bytesKept(): number {
    return this.#keptBlocks() * BLOCK_BYTES;
  }

  get missing(): readonly MissingBlocks[] {
    return this.#missing;
  }

  /** Reads ahead as long as all is well; where something is damaged, block by block to the end of that segment. */
  async fill(): Promise<void> {
    try {
      await this.#fill();
    } finally {
      await this.#sync.idle();
    }
    await writing(this.#request.target.path, async () => this.#sync.mustHaveHeld());
  }

  async #fill(): Promise<void> {
    const { map } = this.#request;
    if (this.#mayHoldData()) await this.#clearHoles();
    const blocks = countBlocks(map.volumeBytes);
    for (let from = 0; from < blocks; ) {
      const damagedAt = await this.#stream(from, blocks);
      if (damagedAt === undefined) return;
      const segmentIndex = Math.floor(damagedAt / SEGMENT_BLOCKS);
      await this.#salvage(segmentIndex, damagedAt);
      from = (segmentIndex + 1) * SEGMENT_BLOCKS;
    }
  }

  /** The first block that is not written, if damage ended the stream. */
  async #stream(from: number, to: number): Promise<number | undefined> {
    const { vault, map, target, signal } = this.#request;
    let next = from;
    try {
      const chosen = this.#mayHoldData() && { choose: (segment: Segment) => this.#choose(segment) };
      const image = { fd: target.file.fd, directFd: target.direct?.fd, volumeBytes: map.volumeBytes };
      const blocks = readVolumeBlocks(vault, { map, range: { from, to }, image, ...chosen }, signal);
      await writing(target.path, async () => {
        for await (const { index } of blocks) {
          this.#count();
          next = index + 1;
        }
      });
      return undefined;
    } catch (error) {
      if (!isDamage(error)) throw error;
      // All blocks were there, and then their digest was wrong.
      if (next >= to) throw error;
      return next;
    }
  }

  async #salvage(segmentIndex: number, from: number): Promise<void> {
    const { vault, map, signal } = this.#request;
    const choose = this.#mayHoldData() ? (segment: Segment) => this.#choose(segment) : undefined;
    for await (const found of salvageSegment(vault, { map, segmentIndex, from, choose }, signal)) {
      if ('block' in found) {
        await this.#write(found.block);
        this.#count();
      } else this.#lose(found.lost);
    }
  }

  #lose(lost: Extract<Salvaged, { lost: object }>['lost']): void {
    const { map, keepGoing } = this.#request;
    const { volumeId } = map;
    if (!keepGoing) {
      const where = `${volumeId}: block ${lost.firstBlock} (from byte ${lost.firstBlock * BLOCK_BYTES})`;
      const message = `${where} cannot be read: ${lost.reason}; bring that object back (an older version of it, or a copy of the vault), or recover everything else with --keep-going`;
      const context = { volumeId, block: lost.firstBlock, object: lost.object };
      throw lost.code === 'DamagedFormat'
        ? new FormatError(message, { context })
        : new VaultError(lost.code, message, { context });
    }
    const last = this.#missing.at(-1);
    const follows = last && last.object === lost.object && last.firstBlock + last.blocks === lost.firstBlock;
    if (follows) this.#missing[this.#missing.length - 1] = { ...last, blocks: last.blocks + lost.blocks };
    else this.#missing.push({ volumeId, ...lost });
  }

  async #write({ index, bytes }: VolumeBlock): Promise<void> {
    await this.#writeAt(index, bytes);
    free(bytes);
  }

  /** What was under way when the stream ended is written once more and counted then. */
  #count(): void {
    this.#written++;
    this.#sync.written(BLOCK_BYTES);
    this.#request.onDone(this.#written + this.#keptBlocks());
  }

  async #writeAt(index: number, bytes: Uint8Array): Promise<void> {
    const { target, map, signal } = this.#request;
    signal.throwIfAborted();
    const at = index * BLOCK_BYTES;
    const length = Math.min(BLOCK_BYTES, map.volumeBytes - at);
    await writing(target.path, () => writeFully(target.file, bytes.subarray(0, length), at));
  }

  #mayHoldData(): boolean {
    const { data } = this.#request.target;
    return data === undefined || !data.isEmpty;
  }

  /** What an earlier attempt has not written yet. */
  async #choose(segment: Segment): Promise<readonly SegmentEntry[]> {
    const { stored, holes } = await this.#compare(segment);
    await this.#zero(segment.segmentIndex, holes);
    this.#kept.set(segment.segmentIndex, segment.entries.length - stored.length);
    this.#request.onDone(this.#written + this.#keptBlocks());
    return stored;
  }

  /** Segments of holes only: no block of theirs is ever read. */
  async #clearHoles(): Promise<void> {
    const { map } = this.#request;
    for (const [segmentIndex, ref] of map.segments.entries()) {
      if (ref) continue;
      const blocks = countSegmentBlocks(map.volumeBytes, segmentIndex);
      const { holes } = await this.#compare({ segmentIndex, blocks, entries: [] });
      await this.#zero(segmentIndex, holes);
    }
  }

  #compare(segment: Omit<Segment, 'packs'>) {
    const { vault, target, signal } = this.#request;
    return writing(target.path, () => compareSegment(vault, target, { segment, signal }));
  }

  async #zero(segmentIndex: number, positions: readonly number[]): Promise<void> {
    for (const position of positions) await this.#writeAt(segmentIndex * SEGMENT_BLOCKS + position, ZERO_BLOCK);
  }

  #keptBlocks(): number {
    let sum = 0;
    for (const blocks of this.#kept.values()) sum += blocks;
    return sum;
  }
}
