import { BLOCK_BYTES } from '../../src/vault/index.ts';

/** 16 MiB per request. */
const WINDOW_BLOCKS = 32;

/** Every block of a snapshot in order, zeros where none was written: what lies on the cloud's disk, past its own APIs. */
export async function* readSnapshotBlocks(
  control: string,
  { snapshotId, blocks }: { readonly snapshotId: string; readonly blocks: number },
): AsyncGenerator<Uint8Array> {
  const starts = Array.from({ length: Math.ceil(blocks / WINDOW_BLOCKS) }, (_, i) => i * WINDOW_BLOCKS);
  const read = async (from: number | undefined) => {
    if (from === undefined) return new Uint8Array();
    const to = Math.min(blocks, from + WINDOW_BLOCKS);
    const answer = await fetch(`${control}/v1/snapshots/${snapshotId}/bytes?from=${from}&to=${to}`);
    if (!answer.ok) throw new Error(`the local cloud does not show ${snapshotId}: ${await answer.text()}`);
    return new Uint8Array(await answer.arrayBuffer());
  };
  let next = read(starts.shift());
  for (let bytes = await next; bytes.length > 0; bytes = await next) {
    next = read(starts.shift());
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) yield bytes.subarray(at, at + BLOCK_BYTES);
  }
}
