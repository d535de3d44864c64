import { FormatError } from '../../errors.ts';
import { hex } from '../bytes.ts';
import { hmac } from '../derive.ts';
import { NONCE_BYTES } from '../gcm.ts';
import { naming } from '../must-be.ts';
import { fileIndexKey, indexPageKey } from '../object-keys.ts';
import { createdFirst } from '../presence.ts';
import { mustKnowEpoch } from '../read-segment.ts';
import { type FrameType, openObject, sealObject } from '../sealed-object.ts';
import type { Vault } from '../vault.ts';
import { decodeFileIndex, encodeFileIndex, FILE_INDEX_FRAME, type FileIndex, type IndexPageRef } from './file-index.ts';
import { decodeIndexPage, type FileRecord, INDEX_PAGE_FRAME, pageText } from './index-page.ts';
import { packText } from './packed-text.ts';

/**
 * Names a page by what is in it, so that the same records are never stored twice. Keyed, or whoever lists the bucket
 * could confirm a guess; by the first epoch for the vault's life, or a rotation would end the reuse.
 */
export function pageIdOf({ keys }: Vault, text: Uint8Array): string {
  return hex(hmac(keys.meta(1, 'index-page-id'), text));
}

/** Repeatable: under one name there is only one content. */
export async function writeIndexPage(
  vault: Vault,
  { runId, records }: { readonly runId: string; readonly records: readonly FileRecord[] },
  signal: AbortSignal,
): Promise<IndexPageRef> {
  const text = pageText(records);
  const pageId = pageIdOf(vault, text);
  const sealed = seal(vault, INDEX_PAGE_FRAME, packText(text), { runId, name: pageId });
  await createdFirst(vault.store.create(indexPageKey(runId, pageId), sealed, signal));
  return { runId, pageId, records: records.length, first: records[0]?.path ?? '' };
}

export async function readIndexPage(
  vault: Vault,
  { runId, pageId, records: promised }: IndexPageRef,
  signal: AbortSignal,
): Promise<readonly FileRecord[]> {
  const key = indexPageKey(runId, pageId);
  const sealed = await vault.store.get(key, signal);
  return naming(key, () => {
    const records = decodeIndexPage(open(vault, INDEX_PAGE_FRAME, sealed, { runId, name: pageId }));
    if (records.length === promised) return records;
    throw new FormatError(`holds ${records.length} records, the index says ${promised}`);
  });
}

export async function writeIndexRoot(vault: Vault, index: FileIndex, signal: AbortSignal): Promise<void> {
  const { pointId: runId, indexId: name } = index;
  const sealed = seal(vault, FILE_INDEX_FRAME, encodeFileIndex(index), { runId, name });
  await vault.store.create(fileIndexKey(runId, name), sealed, signal);
}

export async function readIndexRoot(
  vault: Vault,
  { pointId: runId, indexId: name }: Pick<FileIndex, 'pointId' | 'indexId'>,
  signal: AbortSignal,
): Promise<FileIndex> {
  const key = fileIndexKey(runId, name);
  const sealed = await vault.store.get(key, signal);
  return naming(key, () => {
    const index = decodeFileIndex(open(vault, FILE_INDEX_FRAME, sealed, { runId, name }));
    if (index.pointId === runId && index.indexId === name) return index;
    throw new FormatError(`holds index ${index.indexId} of ${index.pointId}`);
  });
}

interface Place {
  readonly runId: string;
  readonly name: string;
}

function seal(vault: Vault, frame: FrameType, plain: Uint8Array, place: Place): Uint8Array {
  const { vaultId, epoch, keys, randomBytes } = vault;
  const key = keys.meta(epoch, 'index');
  return sealObject(frame, plain, {
    place: { vaultId, ...place },
    seal: { key, keyEpoch: epoch, nonce: randomBytes(NONCE_BYTES) },
  });
}

function open(vault: Vault, frame: FrameType, sealed: Uint8Array, place: Place): Uint8Array {
  const keyOf = (epoch: number) => vault.keys.meta(mustKnowEpoch(vault, epoch), 'index');
  return openObject(frame, sealed, { place: { vaultId: vault.vaultId, ...place }, keyOf });
}
