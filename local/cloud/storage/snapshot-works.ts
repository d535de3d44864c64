import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cloud } from '../cloud.ts';
import type { SnapshotRecord } from '../records.ts';
import { Bitmap, blocksOf, gibToBytes } from './bitmap.ts';
import { BlockStore } from './block-store.ts';
import { saveFrozenBlocks } from './completion.ts';
import { snapshotData, snapshotDisk } from './layout.ts';
import { writeDeltaImage } from './qcow2-delta.ts';
import { sweepFiles } from './sweep-files.ts';

type WorksCloud = Pick<Cloud, 'db' | 'store' | 'stateDir' | 'settings' | 'now'>;

/** Brings pending snapshots to their end; whatever is killed in between starts again from what is on disk. */
export class SnapshotWorks {
  readonly blocks: BlockStore;
  readonly #cloud: WorksCloud;
  readonly #running = new Map<string, Promise<void>>();
  /** When each upload last received something; after a restart its time-out starts anew. */
  readonly #lastWrites = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(cloud: WorksCloud) {
    this.#cloud = cloud;
    this.blocks = new BlockStore(cloud);
    this.#timer = setInterval(() => this.#expireUploads(), 1_000);
    this.#timer.unref();
  }

  /** Starts, or joins, the work on one pending snapshot. */
  drive(id: string): Promise<void> {
    const running = this.#running.get(id);
    if (running !== undefined) return running;
    const work = this.#work(id)
      .catch((error: unknown) => this.#fail(id, `internal error: ${String(error)}`))
      .finally(() => this.#running.delete(id));
    this.#running.set(id, work);
    return work;
  }

  /** After a start: everything that was under way goes on. */
  recover(): void {
    for (const { id, state, upload } of this.#cloud.db.snapshots.all()) {
      if (state === 'pending' && (upload === undefined || upload.announced !== undefined)) void this.drive(id);
    }
  }

  noteWrite(id: string): void {
    this.#lastWrites.set(id, this.#cloud.now());
  }

  /** Removes files that neither a snapshot nor a volume stands on any more. */
  async sweep(): Promise<void> {
    await sweepFiles(this.#cloud, (id) => this.blocks.forget(id));
  }

  async #work(id: string): Promise<void> {
    const snapshot = this.#cloud.db.snapshots.get(id);
    if (snapshot?.state !== 'pending') return;
    const { settings, now } = this.#cloud;
    const due =
      snapshot.upload === undefined ? snapshot.startedAt + settings.snapshots.pendingMs : now() + settings.ebs.checkMs;
    await sleep(Math.max(0, due - now()));
    const keyProblem = this.#keyProblem(snapshot);
    if (keyProblem !== undefined) return this.#fail(id, keyProblem);
    if (snapshot.upload === undefined) await this.#completeCapture(snapshot);
    else await this.#completeUpload(snapshot);
    await this.sweep();
  }

  async #completeCapture(snapshot: SnapshotRecord): Promise<void> {
    const { layers, parent } = await this.#frozenSinceParent(snapshot);
    const { stateDir, settings, db } = this.#cloud;
    const dataFile = snapshotData(stateDir, snapshot.id);
    const changed = await saveFrozenBlocks(
      { layers, parent, sizeGiB: snapshot.sizeGiB, dataFile },
      {
        qemuImg: settings.qemu.img,
        blocks: this.blocks,
        onProgress: (progress) => {
          if (db.snapshots.get(snapshot.id)?.state === 'pending') db.snapshots.update(snapshot.id, { progress });
        },
      },
    );
    await this.#finish(snapshot, changed, parent?.id);
  }

  /** Ancestors that never completed leave their layers to the next: walks up to the nearest one that did. */
  async #frozenSinceParent(snapshot: SnapshotRecord) {
    const layers = [...(snapshot.frozen?.layers ?? [])];
    let parentId = snapshot.parentId;
    while (parentId !== undefined) {
      await this.drive(parentId);
      const parent = this.#cloud.db.snapshots.get(parentId);
      if (parent === undefined || parent.completedAt !== undefined) return { layers, parent };
      layers.unshift(...(parent.frozen?.layers ?? []));
      parentId = parent.parentId;
    }
    return { layers, parent: undefined };
  }

  async #completeUpload(snapshot: SnapshotRecord): Promise<void> {
    const rows = this.#cloud.store.database
      .prepare('SELECT block, digest FROM put_block WHERE snapshot = ? ORDER BY block')
      .all(snapshot.id);
    const announced = snapshot.upload?.announced;
    if (announced === undefined) return;
    if (announced.blocks !== rows.length) {
      return this.#fail(
        snapshot.id,
        `ChangedBlocksCount is ${announced.blocks}, but ${rows.length} blocks were written`,
      );
    }
    const changed = new Bitmap(blocksOf(snapshot.sizeGiB));
    const linear = createHash('sha256');
    for (const { block, digest } of rows) {
      changed.add(Number(block));
      if (digest instanceof Uint8Array) linear.update(digest);
    }
    const checksum = linear.digest('base64');
    if (announced.checksum !== undefined && announced.checksum !== checksum) {
      return this.#fail(snapshot.id, 'the aggregated checksum does not match the blocks written');
    }
    const handle = await this.blocks.handle(snapshot.id);
    await handle.truncate(gibToBytes(snapshot.sizeGiB));
    await handle.sync();
    await this.#finish(snapshot, changed, snapshot.parentId);
  }

  async #finish(snapshot: SnapshotRecord, changed: Bitmap, parentId: string | undefined): Promise<void> {
    const { stateDir, db, store, now } = this.#cloud;
    await writeDeltaImage({
      file: snapshotDisk(stateDir, snapshot.id),
      bytes: gibToBytes(snapshot.sizeGiB),
      dataFile: snapshotData(stateDir, snapshot.id),
      backingFile: parentId === undefined ? undefined : snapshotDisk(stateDir, parentId),
      changed,
    });
    const { parentId: _, frozen, ...current } = db.snapshots.get(snapshot.id) ?? snapshot;
    const state = current.state === 'pending' ? 'completed' : current.state;
    store.together(() => {
      this.blocks.recordChanged(snapshot.id, changed);
      db.snapshots.put({
        ...current,
        state,
        progress: 100,
        completedAt: now(),
        ...(parentId !== undefined && { parentId }),
      });
      store.database.prepare('DELETE FROM put_block WHERE snapshot = ?').run(snapshot.id);
    });
  }

  #fail(id: string, stateMessage: string): void {
    process.stderr.write(`local cloud: snapshot ${id} failed: ${stateMessage}\n`);
    if (this.#cloud.db.snapshots.get(id)?.state === 'pending')
      this.#cloud.db.snapshots.update(id, { state: 'error', stateMessage });
  }

  #keyProblem({ kmsKeyArn }: SnapshotRecord): string | undefined {
    const key = this.#cloud.db.keys.all().find(({ arn }) => arn === kmsKeyArn);
    if (kmsKeyArn === undefined || key?.state === 'Enabled') return undefined;
    return 'Given key ID is not accessible. You must have DescribeKey permissions on the default CMK';
  }

  #expireUploads(): void {
    const { db, now } = this.#cloud;
    for (const { id, state, upload } of db.snapshots.all()) {
      if (state !== 'pending' || upload === undefined || upload.announced !== undefined) continue;
      const last = this.#lastWrites.get(id) ?? now();
      this.#lastWrites.set(id, last);
      if (now() - last > upload.timeoutMs) this.#fail(id, 'the upload timed out: no block was written within Timeout');
    }
  }
}
