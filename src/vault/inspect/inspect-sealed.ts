import { hex, sha256Hex, viewOf } from '../bytes.ts';
import { CHANGE_SET_FRAME, decodeChangeSet } from '../change-set.ts';
import { decodeEvidence, EVIDENCE_FRAME } from '../evidence-content.ts';
import { decodeFileIndex, FILE_INDEX_FRAME } from '../file-index/file-index.ts';
import { decodeIndexPage, INDEX_PAGE_FRAME } from '../file-index/index-page.ts';
import { mustBe, mustBeWithin } from '../must-be.ts';
import { SEGMENT_BLOCKS } from '../parameters.ts';
import { mustKnowEpoch } from '../read-segment.ts';
import { FRAME_BYTES, type FrameType, openObject } from '../sealed-object.ts';
import { decodeSegment, SEGMENT_FRAME } from '../segment.ts';
import type { Vault } from '../vault.ts';
import { decodeVolumeMap, MAP_FRAME } from '../volume-map.ts';
import { type Inspection, type InspectRequest, judge, NO_KEY, type SealedContent } from './inspect-object.ts';

/** How one type of sealed object is found, opened and shown. */
export interface SealedKind {
  readonly kind: string;
  readonly frame: FrameType;
  readonly runId: string;
  /** As it was sealed into the additional data. */
  readonly name: string;
  readonly keyOf: (vault: Vault, epoch: number) => Uint8Array;
  readonly show: (plain: Uint8Array) => SealedContent;
}

/** docs/vault-format.md 2 and 4; undefined for any other key. */
export function sealedKindOf(key: string): SealedKind | undefined {
  return kindOfIndex(key) ?? kindOfRun(key);
}

function kindOfIndex(key: string): SealedKind | undefined {
  const [, folder, runId = '', name = ''] = /^index\/(files|pages)\/([^/]+)\/([^/]+)\.(?:idx|page)$/.exec(key) ?? [];
  if (folder === undefined) return undefined;
  const place = { runId, name, keyOf: (vault: Vault, epoch: number) => vault.keys.meta(epoch, 'index') };
  return folder === 'files'
    ? { kind: 'file index', frame: FILE_INDEX_FRAME, ...place, show: showIndex }
    : { kind: 'index page', frame: INDEX_PAGE_FRAME, ...place, show: showPage };
}

function kindOfRun(key: string): SealedKind | undefined {
  const [, runId = '', folder, file = ''] =
    /^runs\/([^/]+)\/(segments|maps|changes|evidence)\/([^/]+)$/.exec(key) ?? [];
  const meta = (name: 'segment' | 'map' | 'change-set') => (vault: Vault, epoch: number) =>
    vault.keys.meta(epoch, name);
  switch (folder) {
    case 'segments':
      return { kind: 'segment', frame: SEGMENT_FRAME, runId, name: '', keyOf: meta('segment'), show: showSegment };
    case 'maps': {
      const name = file.replace(/-[0-9a-f]{64}\.map$/, '');
      return { kind: 'map', frame: MAP_FRAME, runId, name, keyOf: meta('map'), show: showMap };
    }
    case 'changes': {
      const name = file.replace(/\.chg$/, '');
      return { kind: 'change set', frame: CHANGE_SET_FRAME, runId, name, keyOf: meta('change-set'), show: showChanges };
    }
    case 'evidence': {
      const keyOf = (vault: Vault, epoch: number) => vault.keys.data(epoch, 'evidence');
      return { kind: 'evidence', frame: EVIDENCE_FRAME, runId, name: file, keyOf, show: showEvidence };
    }
    default:
      return undefined;
  }
}

export async function inspectSealed(request: InspectRequest, sealed: SealedKind): Promise<Inspection> {
  const { store, key, vault, signal } = request;
  const { kind, frame, runId, name, show, keyOf } = sealed;
  const { found: bytes, ...damage } = await judge(() => store.get(key, signal));
  if (!bytes) return { kind, ...damage, readable: {} };
  const { found: header, ...rest } = await judge(() => readHeader(bytes, frame));
  if (!header) return { kind, ...rest, readable: {} };
  if (!vault) return { kind, ...NO_KEY, readable: header };
  const { found, ...verdict } = await judge(() => {
    const place = { vaultId: vault.vaultId, runId, name };
    return show(openObject(frame, bytes, { place, keyOf: (epoch) => keyOf(vault, mustKnowEpoch(vault, epoch)) }));
  });
  return { kind, ...verdict, readable: header, ...(found && { sealed: found }) };
}

/** The part of the frame that is not sealed (sealed-object.ts). */
function readHeader(object: Uint8Array, { magic, maxBytes }: FrameType) {
  mustBeWithin('length', object.length, FRAME_BYTES, maxBytes);
  mustBe('magic', Buffer.from(object.subarray(0, 8)).toString('latin1'), magic);
  const view = viewOf(object);
  return {
    magic: magic.trimEnd(),
    version: view.getUint16(8, true),
    flags: view.getUint16(10, true),
    keyEpoch: view.getUint32(12, true),
    sealedBytes: view.getUint32(16, true),
  };
}

function showSegment(plain: Uint8Array): SealedContent {
  const { segmentIndex, blocks, packs, entries } = decodeSegment(plain);
  const first = segmentIndex * SEGMENT_BLOCKS;
  const rows = entries.map(({ position, pack, offset, sealedBytes, codec, blockId }) => ({
    block: first + position,
    pack,
    offset,
    sealedBytes,
    codec,
    blockId: hex(blockId),
  }));
  const table = packs.map((pack, number) => ({ pack: number, ...pack }));
  return { fields: { segmentIndex, blocks, storedBlocks: entries.length }, tables: { packs: table, blocks: rows } };
}

function showMap(plain: Uint8Array): SealedContent {
  const { segments, packs, ...fields } = decodeVolumeMap(plain);
  const stored = segments.flatMap((segment, number) => (segment ? [{ segment: number, ...segment }] : []));
  const rows = packs.map((pack) => ({ ...pack }));
  return { fields: { ...fields, segments: segments.length }, tables: { segments: stored, packs: rows } };
}

function showChanges(plain: Uint8Array): SealedContent {
  const { volumeBytes, changedBlocks, bitmap } = decodeChangeSet(plain);
  const ranges: { first: number; last: number }[] = [];
  for (let index = 0; index < bitmap.length * 8; index++) {
    if ((((bitmap[index >> 3] ?? 0) >> (index & 7)) & 1) === 0) continue;
    const open = ranges.at(-1);
    if (open && open.last === index - 1) open.last = index;
    else ranges.push({ first: index, last: index });
  }
  return { fields: { volumeBytes, changedBlocks }, tables: { 'changed blocks': ranges } };
}

function showIndex(plain: Uint8Array): SealedContent {
  const { notes, unreadable, objects, pages, ...fields } = decodeFileIndex(plain);
  const tables = {
    notes: notes.map((note) => ({ note })),
    unreadable,
    objects: objects.map(({ rows, ...object }) => ({ ...object, rows: rows ?? 'not counted' })),
    pages,
  };
  // What is empty has no columns to show.
  return { fields, tables: Object.fromEntries(Object.entries(tables).filter(([, rows]) => rows.length > 0)) };
}

function showPage(plain: Uint8Array): SealedContent {
  const records = decodeIndexPage(plain);
  const rows = records.map(({ mode, target = '', sha256 = '', ...record }) => ({
    ...record,
    mode: mode.toString(8).padStart(4, '0'),
    target,
    sha256,
  }));
  return { fields: { records: records.length }, tables: { files: rows } };
}

function showEvidence(plain: Uint8Array): SealedContent {
  const { contentType, bytes } = decodeEvidence(plain);
  return {
    fields: { contentType, bytes: bytes.length, sha256: sha256Hex(bytes) },
    tables: {},
    content: { contentType, bytes },
  };
}
