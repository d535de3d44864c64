import { hex } from '../bytes.ts';
import { inOrder, type Task } from '../in-order.ts';
import { mustBeWritable } from '../may-write.ts';
import { findTombstone } from '../read-tombstone.ts';
import type { Vault } from '../vault.ts';
import type { ApplicationObject, FileIndex, IndexPageRef } from './file-index.ts';
import { pageIdOf, readIndexPage, writeIndexPage, writeIndexRoot } from './index-objects.ts';
import { type FileRecord, pageText } from './index-page.ts';
import { splitPages } from './split-pages.ts';

export interface WriteFileIndexRequest {
  /** Opened with the meta root. */
  readonly vault: Vault;
  readonly pointId: string;
  /** Each path once, in the order of a walk (disk/tree/walk-tree.ts). */
  readonly records: AsyncIterable<FileRecord>;
  /** Asked for when all records have come: a walk finds damage on its way. */
  readonly found: () => Pick<FileIndex, 'notes' | 'unreadable'>;
  readonly objects: readonly ApplicationObject[];
  readonly digests: boolean;
  /** The index of an earlier point, whose pages are used again where they hold the same. */
  readonly parent?: FileIndex | undefined;
  readonly toolVersion: string;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: { readonly files: number }) => void;
}

export interface WrittenFileIndex {
  readonly index: FileIndex;
  /** Pages that the vault held already. */
  readonly pagesReused: number;
}

/** Small objects under way; more would only hold more pages in memory. */
const AT_A_TIME = 8;

/**
 * Pages, then the index that names them, then a look at the parent: when it has expired meanwhile, a collection may not
 * have seen this index before it condemned the parent's pages, so they are written again as this point's own.
 * Repeatable: the newest index of a point counts, and pages are named by their content.
 */
export async function writeFileIndex(request: WriteFileIndexRequest): Promise<WrittenFileIndex> {
  const { vault, pointId, parent, digests, objects, toolVersion, signal } = request;
  await mustBeWritable(vault, signal);
  const pages: IndexPageRef[] = [];
  let files = 0;
  for await (const page of inOrder(writtenPages(request), { depth: AT_A_TIME, signal })) {
    pages.push(page);
    files += page.records;
    request.onProgress?.({ files });
  }
  const facts = { pointId, toolVersion, digests, files, ...request.found(), objects: [...objects] };
  const index = { ...facts, ...identify(vault), pages };
  await writeIndexRoot(vault, index, signal);
  const pagesReused = pages.filter(({ runId }) => runId !== pointId).length;
  if (!parent || pagesReused === 0 || !(await findTombstone(vault, { pointId: parent.pointId, signal })))
    return { index, pagesReused };
  const own = { ...facts, ...identify(vault), pages: await ownPages(request, pages) };
  await writeIndexRoot(vault, own, signal);
  return { index: own, pagesReused: 0 };
}

async function* writtenPages(request: WriteFileIndexRequest): AsyncIterable<Task<IndexPageRef>> {
  const { vault, pointId: runId, parent } = request;
  const known = new Map(parent?.pages.map((page) => [page.pageId, page]));
  for await (const records of splitPages(request.records)) {
    yield async (signal) =>
      known.get(pageIdOf(vault, pageText(records))) ?? writeIndexPage(vault, { runId, records }, signal);
  }
}

async function ownPages(
  { vault, pointId: runId, signal }: WriteFileIndexRequest,
  pages: readonly IndexPageRef[],
): Promise<IndexPageRef[]> {
  const tasks = pages.map((page) => async (ours: AbortSignal) => {
    if (page.runId === runId) return page;
    return writeIndexPage(vault, { runId, records: await readIndexPage(vault, page, ours) }, ours);
  });
  const own: IndexPageRef[] = [];
  for await (const page of inOrder(tasks, { depth: AT_A_TIME, signal })) own.push(page);
  return own;
}

/** Formed as run ids are, so that the newest index of a point sorts last. */
function identify({ clock, randomBytes }: Vault): Pick<FileIndex, 'indexId' | 'builtAt'> {
  const builtAt = clock.now().toISOString();
  return { builtAt, indexId: `${builtAt.replace(/[-:]|\.\d+/g, '')}-${hex(randomBytes(4))}` };
}
