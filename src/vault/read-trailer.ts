import { mustBe, naming } from './must-be.ts';
import { packKey } from './object-keys.ts';
import { decodePackTail, PACK_TAIL_BYTES, type PackTail } from './pack-tail.ts';
import { openPackTrailer, type PackTrailer } from './pack-trailer.ts';
import { mustKnowEpoch } from './read-segment.ts';
import type { SegmentPack } from './segment.ts';
import type { Vault } from './vault.ts';

/** What a pack says of itself, by two small ranges. Errors name it: ObjectMissing, ObjectDamaged, FormatError. */
export async function readTrailer(
  vault: Vault,
  pack: SegmentPack,
  signal: AbortSignal,
): Promise<PackTrailer & { readonly bytesRead: number }> {
  const key = packKey(pack.runId, pack.packId);
  const tailRange = { offset: -PACK_TAIL_BYTES, length: PACK_TAIL_BYTES };
  const tailBytes = await vault.store.get(key, signal, tailRange);
  const tail = naming(key, () => decodePackTail(tailBytes));
  // A tail that lies about its trailer must not make a negative range of it.
  const offset = Math.max(pack.packBytes - PACK_TAIL_BYTES - tail.trailerBytes, 0);
  const length = Math.min(tail.trailerBytes, pack.packBytes);
  const sealed = await vault.store.get(key, signal, { offset, length });
  const trailer = naming(key, () => openTrailer(vault, pack, { tail, sealed }));
  return { ...trailer, bytesRead: PACK_TAIL_BYTES + length };
}

/** Any bytes give a trailer that fits the pack, or a FormatError. */
export function openTrailer(
  vault: Vault,
  { runId, packBytes, keyEpoch }: SegmentPack,
  { tail, sealed }: { readonly tail: PackTail; readonly sealed: Uint8Array },
): PackTrailer {
  mustBe('keyEpoch', tail.keyEpoch, keyEpoch);
  const key = vault.keys.meta(mustKnowEpoch(vault, keyEpoch), 'trailer');
  const trailer = openPackTrailer(sealed, { place: { vaultId: vault.vaultId, runId }, tail, key });
  const last = trailer.entries.at(-1);
  const end = (last?.offset ?? 0) + (last?.sealedBytes ?? 0);
  mustBe('end of the blocks', end, packBytes - PACK_TAIL_BYTES - tail.trailerBytes);
  return trailer;
}
