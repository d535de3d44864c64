import { createHash, type Hash } from 'node:crypto';
import { ascii, copyInto } from './bytes.ts';
import { NONCE_BYTES } from './gcm.ts';
import { lockedAs } from './lock-policy.ts';
import { packKey } from './object-keys.ts';
import { PACK_MAGIC } from './pack-tail.ts';
import { PACK_HEAD_BYTES, type PackEntry, sealPackTrailer, trailerAndTailBytes } from './pack-trailer.ts';
import { PACK_BYTES } from './parameters.ts';
import type { Run } from './run.ts';
import type { SegmentEntry, SegmentPack } from './segment.ts';

/** A sealed block on its way into a pack; `sealed` is only valid during `add`. */
export interface BlockToPack {
  readonly blockIndex: number;
  readonly codec: number;
  readonly blockId: Uint8Array;
  readonly sealed: Uint8Array;
}

export interface WrittenPacks {
  readonly packs: readonly SegmentPack[];
  /** In the order added; `position` is the whole volume's block index. */
  readonly entries: readonly SegmentEntry[];
}

/**
 * Puts the blocks of one segment into packs and stores each pack when it is full. Back-pressure: `add` waits for a free
 * pack buffer, so at most two packs are being uploaded while one is filled.
 */
export class PackWriter {
  readonly #run: Run;
  readonly #volumeId: string;
  readonly #signal: AbortSignal;
  readonly #uploads: Promise<void>[] = [];
  readonly #packs: (SegmentPack | undefined)[] = [];
  readonly #entries: SegmentEntry[] = [];
  #buffer: Uint8Array | undefined;
  #used = 0;
  // Block by block: hashing 32 MiB at once would keep the threads waiting for 30 ms.
  #digest: Hash = createHash('sha256');
  #open: PackEntry[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(run: Run, volumeId: string, signal: AbortSignal) {
    this.#run = run;
    this.#volumeId = volumeId;
    this.#signal = signal;
  }

  async add({ blockIndex, codec, blockId, sealed }: BlockToPack): Promise<void> {
    if (this.#used + sealed.length + trailerAndTailBytes(this.#open.length + 1) > PACK_BYTES) this.#closePack();
    const buffer = this.#buffer ?? (await this.#newPack());
    copyInto(buffer, sealed, this.#used);
    this.#digest.update(sealed);
    const entry = { offset: this.#used, sealedBytes: sealed.length, codec, blockId };
    this.#open.push({ ...entry, blockIndex });
    this.#entries.push({ ...entry, position: blockIndex, pack: this.#packs.length - 1 });
    this.#used += sealed.length;
  }

  /** Resolves when every pack is stored. */
  async finish(): Promise<WrittenPacks> {
    if (this.#buffer) this.#closePack();
    await Promise.all(this.#uploads);
    if (this.#failure) throw this.#failure.error;
    return { packs: this.#packs.filter((pack) => pack !== undefined), entries: this.#entries };
  }

  /** Gives the buffers back without storing more; waits for uploads under way. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#uploads);
    if (this.#buffer) this.#run.vault.threads.packBuffers.give(this.#buffer);
    this.#buffer = undefined;
  }

  async #newPack(): Promise<Uint8Array> {
    const buffer = await this.#run.vault.threads.packBuffers.take(this.#signal);
    this.#buffer = buffer;
    if (this.#failure) throw this.#failure.error;
    const head = ascii(PACK_MAGIC);
    buffer.set(head);
    this.#digest = createHash('sha256').update(head);
    this.#used = PACK_HEAD_BYTES;
    this.#open = [];
    this.#packs.push(undefined);
    return buffer;
  }

  #closePack(): void {
    const buffer = this.#buffer;
    if (!buffer) return;
    this.#buffer = undefined;
    const { vault, runId, session } = this.#run;
    const place = { vaultId: vault.vaultId, runId };
    const key = vault.keys.meta(session.epoch, 'trailer');
    const seal = { key, nonce: vault.randomBytes(NONCE_BYTES), keyEpoch: session.epoch };
    const end = sealPackTrailer({ volumeId: this.#volumeId, entries: this.#open }, { place, seal });
    buffer.set(end, this.#used);
    const bytes = buffer.subarray(0, this.#used + end.length);
    const packId = this.#digest.update(end).digest('hex');
    this.#packs[this.#packs.length - 1] = { runId, packId, keyEpoch: session.epoch, packBytes: bytes.length };
    this.#used = 0;
    this.#open = [];
    this.#uploads.push(this.#upload(packKey(runId, packId), bytes, buffer));
  }

  async #upload(key: string, bytes: Uint8Array, buffer: Uint8Array): Promise<void> {
    try {
      const { vault, runId } = this.#run;
      await vault.store.create(key, bytes, this.#signal, lockedAs(vault, runId));
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#run.vault.threads.packBuffers.give(buffer);
    }
  }
}
