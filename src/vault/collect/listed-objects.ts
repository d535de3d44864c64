import { fromHex, hex } from '../bytes.ts';
import { packKey, segmentKey } from '../object-keys.ts';
import type { StoredObject } from './stored-object.ts';

/**
 * What a listing found, kept until points and maps have been read. Packs and segments, which are many, take 36 bytes each
 * (twice that while their table grows): 290 MB of tables at most for the 4 million of a vault of 128 TiB. The rest is a few objects
 * per volume and run.
 */
export class ListedObjects {
  readonly #runs = new Map<string, RunObjects>();

  add(object: StoredObject): void {
    const run = this.#runs.get(object.runId) ?? { packs: new IdTable(), segments: new IdTable(), others: [] };
    this.#runs.set(object.runId, run);
    if (object.kind === 'pack') run.packs.add(object);
    else if (object.kind === 'segment') run.segments.add(object);
    else run.others.push(object);
  }

  has(runId: string): boolean {
    return this.#runs.has(runId);
  }

  *indexes(): Iterable<StoredObject> {
    for (const { others } of this.#runs.values()) yield* others.filter(({ kind }) => kind === 'index');
  }

  /** Run by run; within a run the session comes last, so that a run is recognized as one as long as anything is left. */
  *all(): Iterable<StoredObject> {
    for (const [runId, { packs, segments, others }] of this.#runs) {
      for (const { id, bytes } of packs.rows()) yield { key: packKey(runId, id), bytes, kind: 'pack', runId, id };
      for (const { id, bytes } of segments.rows()) {
        yield { key: segmentKey(runId, id), bytes, kind: 'segment', runId, id };
      }
      yield* others.filter(({ kind }) => kind !== 'session');
      yield* others.filter(({ kind }) => kind === 'session');
    }
  }
}

interface RunObjects {
  readonly packs: IdTable;
  readonly segments: IdTable;
  readonly others: StoredObject[];
}

const ID_BYTES = 32;

class IdTable {
  #ids = new Uint8Array(16 * ID_BYTES);
  #sizes = new Uint32Array(16);
  #rows = 0;

  add({ id, bytes }: StoredObject): void {
    if (this.#rows === this.#sizes.length) this.#grow();
    this.#ids.set(fromHex(id), this.#rows * ID_BYTES);
    // A larger one is nobody's pack; its size is shown only.
    this.#sizes[this.#rows] = Math.min(bytes, 2 ** 32 - 1);
    this.#rows++;
  }

  *rows(): Iterable<{ readonly id: string; readonly bytes: number }> {
    for (const [row, bytes] of this.#sizes.subarray(0, this.#rows).entries()) {
      yield { id: hex(this.#ids.subarray(row * ID_BYTES, (row + 1) * ID_BYTES)), bytes };
    }
  }

  #grow(): void {
    const ids = new Uint8Array(this.#ids.length * 2);
    ids.set(this.#ids);
    const sizes = new Uint32Array(this.#sizes.length * 2);
    sizes.set(this.#sizes);
    this.#ids = ids;
    this.#sizes = sizes;
  }
}
