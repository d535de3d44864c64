import { type Audit, auditFailed } from './audit.ts';
import type { BlockRange, BlockRef, BlockSource } from './block-source.ts';
import type { ChangeSet } from './change-sets.ts';
import type { ParentSegment } from './parent-volume.ts';
import type { SegmentEntry } from './segment.ts';

/** Which blocks changed since the parent; what is not in it is said to be the same. */
export type ChangeHints = Pick<ChangeSet, 'has'>;

export interface ReadPlan {
  readonly refs: AsyncIterable<BlockRef> | Iterable<BlockRef>;
  /** Blocks among them that are only read to be compared with the parent's. */
  readonly audited: ReadonlySet<number>;
  /** The parent's blocks that need no reading. */
  readonly unread: readonly SegmentEntry[];
}

interface PlanRequest {
  readonly volumeId: string;
  readonly source: BlockSource;
  readonly range: BlockRange;
  readonly parent: ParentSegment | undefined;
  readonly changed?: ChangeHints | undefined;
  readonly audit: Audit;
}

/** Everything the source lists; with hints, what they say has changed and a sample of what they say has not. */
export async function planReads(request: PlanRequest, signal: AbortSignal): Promise<ReadPlan> {
  const { source, range, parent, changed, audit } = request;
  const listed = source.blocks(range, signal);
  if (!parent || !changed) return { refs: listed, audited: new Set(), unread: [] };
  const isUnchanged = (index: number) => index - range.from < parent.sharedBlocks && !changed.has(index);
  // At most 8,192: one page, and its tokens live until the next segment is listed.
  const refs: BlockRef[] = [];
  for await (const ref of listed) refs.push(ref);
  const entries = parent.segment?.entries ?? [];
  const unread = entries.filter(({ position }) => isUnchanged(range.from + position));
  mustBeListed(request, parent, { refs, unread });
  const audited = audit.choose(refs.map(({ index }) => index).filter(isUnchanged));
  return { refs: refs.filter(({ index }) => audited.has(index) || !isUnchanged(index)), audited, unread };
}

/** Costs nothing, so all are compared: a block that is no longer listed reads as zeros, and stored blocks are not zeros. */
function mustBeListed(
  { volumeId, range }: PlanRequest,
  { pointId }: ParentSegment,
  { refs, unread }: { readonly refs: readonly BlockRef[]; readonly unread: readonly SegmentEntry[] },
): void {
  const listed = new Set(refs.map(({ index }) => index));
  const lost = unread.find(({ position }) => !listed.has(range.from + position));
  if (!lost) return;
  throw auditFailed({
    volumeId,
    index: range.from + lost.position,
    pointId,
    found: 'the source does not list it any more',
  });
}
