import { FormatError } from '../errors.ts';
import { naming } from './must-be.ts';
import { segmentKey } from './object-keys.ts';
import { openObject } from './sealed-object.ts';
import { decodeSegment, SEGMENT_FRAME, type Segment } from './segment.ts';
import type { Vault } from './vault.ts';

interface SegmentName {
  readonly runId: string;
  readonly segmentId: string;
  readonly storedBlocks: number;
}

/** Reads and proves one segment. Errors name its key: ObjectMissing, ObjectDamaged, FormatError. */
export async function readSegment(
  vault: Vault,
  { ref, segmentIndex, blocks }: { readonly ref: SegmentName; readonly segmentIndex: number; readonly blocks: number },
  signal: AbortSignal,
): Promise<Segment> {
  const key = segmentKey(ref.runId, ref.segmentId);
  const bytes = await vault.store.get(key, signal);
  return naming(key, () => {
    const place = { vaultId: vault.vaultId, runId: ref.runId, name: '' };
    const keyOf = (epoch: number) => vault.keys.meta(mustKnowEpoch(vault, epoch), 'segment');
    const segment = decodeSegment(openObject(SEGMENT_FRAME, bytes, { place, keyOf }));
    if (
      segment.segmentIndex !== segmentIndex ||
      segment.blocks !== blocks ||
      segment.entries.length !== ref.storedBlocks
    ) {
      const found = `segment ${segment.segmentIndex} of ${segment.blocks} blocks, ${segment.entries.length} stored`;
      throw new FormatError(`holds ${found}, must be ${segmentIndex} of ${blocks}, ${ref.storedBlocks} stored`);
    }
    return segment;
  });
}

/** An epoch from an object's header is not proven yet, so an unknown one is damage and not a missing key. */
export function mustKnowEpoch(vault: Vault, epoch: number): number {
  if (vault.keys.knows(epoch)) return epoch;
  throw new FormatError(`names epoch ${epoch}, which this vault does not have`);
}
