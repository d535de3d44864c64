import { hex } from '../bytes.ts';
import { decodePackTail, PACK_TAIL_BYTES } from '../pack-tail.ts';
import { openPackTrailer } from '../pack-trailer.ts';
import { mustKnowEpoch } from '../read-segment.ts';
import type { Vault } from '../vault.ts';
import { type Inspection, type InspectRequest, judge, NO_KEY, type SealedContent } from './inspect-object.ts';

/** A pack by its end: two small requests, whatever its size. Its blocks are not read (`understudy vault verify` does). */
export async function inspectPack({ store, key, vault, signal }: InspectRequest, runId: string): Promise<Inspection> {
  const suffix = (bytes: number) => store.get(key, signal, { offset: -bytes, length: bytes });
  const { found: tail, ...rest } = await judge(async () => decodePackTail(await suffix(PACK_TAIL_BYTES)));
  if (!tail) return { kind: 'pack', ...rest, readable: {} };
  const readable = { version: 1, ...tail };
  if (!vault) return { kind: 'pack', ...NO_KEY, readable };
  const { found, ...verdict } = await judge(async () => {
    const end = await suffix(tail.trailerBytes + PACK_TAIL_BYTES);
    return openTrailer(vault, { runId, tail, sealed: end.subarray(0, tail.trailerBytes) });
  });
  return { kind: 'pack', ...verdict, readable, ...(found && { sealed: found }) };
}

function openTrailer(
  vault: Vault,
  { runId, tail, sealed }: { runId: string; tail: ReturnType<typeof decodePackTail>; sealed: Uint8Array },
): SealedContent {
  const key = vault.keys.meta(mustKnowEpoch(vault, tail.keyEpoch), 'trailer');
  const place = { vaultId: vault.vaultId, runId };
  const { volumeId, entries } = openPackTrailer(sealed, { place, tail, key });
  const blocks = entries.map(({ blockIndex, offset, sealedBytes, codec, blockId }) => ({
    block: blockIndex,
    offset,
    sealedBytes,
    codec,
    blockId: hex(blockId),
  }));
  return { fields: { volumeId, blocks: entries.length }, tables: { blocks } };
}
