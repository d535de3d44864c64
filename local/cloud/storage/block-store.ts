import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { Cloud } from '../cloud.ts';
import { inBackground } from '../in-background.ts';
import type { SnapshotRecord } from '../records.ts';
import { Bitmap, BLOCK_BYTES, blocksOf } from './bitmap.ts';
import { snapshotData } from './layout.ts';

/** Open files: one per snapshot in use; the least recently used is closed beyond this. */
const MAX_OPEN = 128;

/** Blocks of completed snapshots, and their sets: what changed since the parent and what was ever written. */
export class BlockStore {
  readonly #cloud: Pick<Cloud, 'db' | 'store' | 'stateDir'>;
  readonly #handles = new Map<string, Promise<FileHandle>>();
  readonly #changed = new Map<string, Bitmap>();
  readonly #written = new Map<string, Bitmap>();
  /** Digests of immutable blocks, per snapshot that stores them. */
  readonly #digests = new Map<string, Map<number, string>>();

  constructor(cloud: Pick<Cloud, 'db' | 'store' | 'stateDir'>) {
    this.#cloud = cloud;
  }

  changed(snapshotId: string): Bitmap {
    let bitmap = this.#changed.get(snapshotId);
    if (bitmap === undefined) {
      const row = this.#cloud.store.database.prepare('SELECT bits FROM bitmap WHERE id = ?').get(snapshotId);
      if (!(row?.bits instanceof Uint8Array)) throw new Error(`${snapshotId} has no recorded blocks`);
      bitmap = new Bitmap(row.bits);
      this.#changed.set(snapshotId, bitmap);
    }
    return bitmap;
  }

  /** Writes the set into the state; belongs into the transaction that completes the snapshot. */
  recordChanged(snapshotId: string, changed: Bitmap): void {
    this.#cloud.store.database
      .prepare('INSERT OR REPLACE INTO bitmap (id, bits) VALUES (?, ?)')
      .run(snapshotId, changed.bytes);
    this.#changed.set(snapshotId, changed);
  }

  /** Every block written in this snapshot or any of its ancestors. */
  written(snapshot: SnapshotRecord): Bitmap {
    let bitmap = this.#written.get(snapshot.id);
    if (bitmap === undefined) {
      const parent = this.#parent(snapshot);
      const empty = new Bitmap(blocksOf(snapshot.sizeGiB));
      bitmap = empty.union(this.changed(snapshot.id)).union(parent === undefined ? empty : this.written(parent));
      this.#written.set(snapshot.id, bitmap);
    }
    return bitmap;
  }

  /** 512 KiB of the snapshot: one read of the file of whichever ancestor wrote the block last; zeros if none did. */
  async read(
    snapshot: SnapshotRecord,
    block: number,
    bytes: Buffer = Buffer.allocUnsafe(BLOCK_BYTES),
  ): Promise<Buffer> {
    const holder = this.#holder(snapshot, block);
    if (holder === undefined) return bytes.fill(0);
    const handle = await this.handle(holder.id);
    const { bytesRead } = await handle.read(bytes, 0, BLOCK_BYTES, block * BLOCK_BYTES);
    if (bytesRead < BLOCK_BYTES) bytes.fill(0, bytesRead);
    return bytes;
  }

  /** With its SHA-256 in base64, computed once per stored block. */
  async readWithDigest(
    snapshot: SnapshotRecord,
    block: number,
    into: Buffer,
  ): Promise<{ bytes: Buffer; digest: string }> {
    const bytes = await this.read(snapshot, block, into);
    const owner = this.#holder(snapshot, block)?.id ?? 'zeros';
    const digests = this.#digests.get(owner) ?? new Map<number, string>();
    this.#digests.set(owner, digests);
    const known = digests.get(block);
    if (known !== undefined) return { bytes, digest: known };
    const digest = createHash('sha256').update(bytes).digest('base64');
    digests.set(block, digest);
    return { bytes, digest };
  }

  /** Open for reading and writing; the file is made if it is not there. */
  handle(snapshotId: string): Promise<FileHandle> {
    const known = this.#handles.get(snapshotId);
    if (known !== undefined) {
      this.#handles.delete(snapshotId);
      this.#handles.set(snapshotId, known);
      return known;
    }
    const file = snapshotData(this.#cloud.stateDir, snapshotId);
    const opened = open(file, 'r+').catch(() => open(file, 'w+'));
    this.#handles.set(snapshotId, opened);
    const oldest = this.#handles.keys().next().value;
    if (this.#handles.size > MAX_OPEN && oldest !== undefined) inBackground(`closing ${oldest}`, this.forget(oldest));
    return opened;
  }

  async forget(snapshotId: string): Promise<void> {
    const handle = this.#handles.get(snapshotId);
    this.#handles.delete(snapshotId);
    this.#digests.delete(snapshotId);
    await (await handle)?.close();
  }

  #holder(snapshot: SnapshotRecord, block: number): SnapshotRecord | undefined {
    for (let at: SnapshotRecord | undefined = snapshot; at !== undefined; at = this.#parent(at)) {
      if (this.changed(at.id).has(block)) return at;
    }
    return undefined;
  }

  #parent({ parentId }: SnapshotRecord): SnapshotRecord | undefined {
    return parentId === undefined ? undefined : this.#cloud.db.snapshots.get(parentId);
  }
}
