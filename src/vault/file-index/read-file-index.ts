import { pathOrder } from '../../disk/tree/path-order.ts';
import { inOrder } from '../in-order.ts';
import { isDamage } from '../is-damage.ts';
import { fileIndexesPrefix } from '../object-keys.ts';
import type { OnInvalid } from '../read-keys.ts';
import type { Vault } from '../vault.ts';
import type { FileIndex, IndexPageRef } from './file-index.ts';
import { readIndexPage, readIndexRoot } from './index-objects.ts';
import type { FileRecord } from './index-page.ts';

export interface FindIndexRequest {
  /** Opened with the meta root. */
  readonly vault: Vault;
  readonly pointId: string;
  readonly signal: AbortSignal;
  /** Told of each index that proves nothing; an older one or none is used instead. */
  readonly onInvalid?: OnInvalid | undefined;
}

/** The newest index of a point; undefined when it has none. */
export async function findFileIndex(request: FindIndexRequest): Promise<FileIndex | undefined> {
  const { vault, pointId, signal, onInvalid } = request;
  const indexIds: string[] = [];
  for await (const { key } of vault.store.list(fileIndexesPrefix(pointId), signal)) {
    const indexId = /([^/]+)\.idx$/.exec(key)?.[1];
    if (indexId !== undefined) indexIds.unshift(indexId);
  }
  for (const indexId of indexIds) {
    try {
      return await readIndexRoot(vault, { pointId, indexId }, signal);
    } catch (error) {
      if (!isDamage(error)) throw error;
      onInvalid?.(`${fileIndexesPrefix(pointId)}${indexId}.idx`, error.message);
    }
  }
  return undefined;
}

/** 32 pages of some 30 KiB hide the 20 to 50 ms that each takes from a bucket. */
const AT_A_TIME = 32;

/** All records, in the order of the walk. */
export async function* readIndexedFiles({
  vault,
  index,
  signal,
}: {
  readonly vault: Vault;
  readonly index: FileIndex;
  readonly signal: AbortSignal;
}): AsyncIterable<FileRecord> {
  const tasks = index.pages.map((page) => (ours: AbortSignal) => readIndexPage(vault, page, ours));
  for await (const records of inOrder(tasks, { depth: AT_A_TIME, signal })) yield* records;
}

/** The record of one path, from the only page that can hold it. */
export async function findIndexedFile({
  vault,
  index,
  path,
  signal,
}: {
  readonly vault: Vault;
  readonly index: FileIndex;
  readonly path: string;
  readonly signal: AbortSignal;
}): Promise<FileRecord | undefined> {
  const page = pageThatHolds(index.pages, path);
  const records = page ? await readIndexPage(vault, page, signal) : [];
  return records.find((record) => record.path === path);
}

/** Binary search for the last page that begins at or before the path. */
function pageThatHolds(pages: readonly IndexPageRef[], path: string): IndexPageRef | undefined {
  let [from, to] = [0, pages.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (pathOrder(pages[middle]?.first ?? '', path) <= 0) from = middle + 1;
    else to = middle;
  }
  return pages[from - 1];
}
