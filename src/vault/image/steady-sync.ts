import type { FileHandle } from 'node:fs/promises';

// Some hundred milliseconds of a disk's time: a sync of less waits for the disk's answer more than for its work.
const SYNC_BYTES = 256 << 20;

/** Syncs a file while it is written: at the end only what the disk has not taken yet is waited for. */
export class SteadySync {
  readonly #file: Pick<FileHandle, 'datasync'>;
  #unsynced = 0;
  #underWay: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(file: Pick<FileHandle, 'datasync'>) {
    this.#file = file;
  }

  written(bytes: number): void {
    this.#unsynced += bytes;
    if (this.#unsynced < SYNC_BYTES || this.#underWay) return;
    this.#unsynced = 0;
    this.#underWay = this.#sync();
  }

  /** The file may be closed afterwards. Never throws. */
  async idle(): Promise<void> {
    await this.#underWay;
  }

  /** Throws what a sync found: the kernel tells of a lost write once, and the last sync would know nothing of it. */
  mustHaveHeld(): void {
    if (this.#failure) throw this.#failure.error;
  }

  async #sync(): Promise<void> {
    try {
      await this.#file.datasync();
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#underWay = undefined;
    }
  }
}
