import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { BLOCK_BYTES } from '../../../src/vault/block-source.ts';
import { CHANGE_SET_FRAME } from '../../../src/vault/change-set.ts';
import { EVIDENCE_FRAME, MAX_EVIDENCE_BYTES } from '../../../src/vault/evidence-content.ts';
import { FILE_INDEX_FRAME } from '../../../src/vault/file-index/file-index.ts';
import { INDEX_PAGE_FRAME, MAX_PAGE_RECORDS, MAX_PAGE_TEXT } from '../../../src/vault/file-index/index-page.ts';
import { MAX_DOCUMENT_BYTES } from '../../../src/vault/json-document.ts';
import * as keys from '../../../src/vault/object-keys.ts';
import { MAX_TRAILER_BYTES, MIN_TRAILER_BYTES } from '../../../src/vault/pack-tail.ts';
import { MAX_PACK_BYTES, MAX_VOLUME_BYTES, PACK_BYTES, SEGMENT_BLOCKS } from '../../../src/vault/parameters.ts';
import { MAX_SEALED_BLOCK_BYTES } from '../../../src/vault/sealed-block.ts';
import { SEGMENT_FRAME } from '../../../src/vault/segment.ts';
import { MAP_FRAME } from '../../../src/vault/volume-map.ts';
import { EXAMPLES } from '../../fuzz/documents.ts';

const TEXT = readFileSync(new URL('../../../docs/vault-format.md', import.meta.url), 'utf8');

/** The cells of the table whose head begins so. */
function table(head: string): string[][] {
  const lines = TEXT.slice(TEXT.indexOf(head)).split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(0, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test('the document and the code agree on every size', () => {
  for (const bytes of [
    BLOCK_BYTES,
    SEGMENT_BLOCKS,
    PACK_BYTES,
    MAX_PACK_BYTES,
    MAX_VOLUME_BYTES,
    MAX_TRAILER_BYTES,
    MAX_SEALED_BLOCK_BYTES,
    MAX_DOCUMENT_BYTES,
    MAX_EVIDENCE_BYTES,
    MAX_PAGE_TEXT,
    MAX_PAGE_RECORDS,
  ]) {
    expect(TEXT, String(bytes)).toContain(bytes.toLocaleString('en-US'));
  }
  expect(TEXT).toContain(`${MIN_TRAILER_BYTES} … `);
});

test('the document and the code agree on the frames: magic and largest object', () => {
  const mib = (frame: { maxBytes: number }) =>
    frame.maxBytes >= 1 << 30 ? `${frame.maxBytes >> 30} GiB` : `${frame.maxBytes >> 20} MiB`;
  const rows = table('| type | magic | key | largest object |').slice(2);
  expect(rows.map(([type, magic, , largest]) => [type, magic, largest])).toEqual(
    Object.entries({
      segment: SEGMENT_FRAME,
      map: MAP_FRAME,
      'change set': CHANGE_SET_FRAME,
      evidence: EVIDENCE_FRAME,
      'file index': FILE_INDEX_FRAME,
      'index page': INDEX_PAGE_FRAME,
    }).map(([type, frame]) => [type, `\`${frame.magic.trim()}\\n\``, mib(frame)]),
  );
});

test('the document names every type of JSON document and what proves it', () => {
  const told = new Map<string, string>();
  for (const [types = '', , authenticator = ''] of table('| type | key | authenticator | made by |').slice(2)) {
    for (const [, type = ''] of types.matchAll(/`([a-z-]+)`/g)) told.set(type, authenticator.replace(/[ ,:].*$/, ''));
  }
  const real = EXAMPLES.map(({ kind, signed }) => [kind.type, signed ? 'signature' : 'mac'] as const);
  expect(Object.fromEntries([...told].sort())).toEqual(Object.fromEntries([...real].sort()));
});

test('the document names the members of every JSON document', () => {
  const block = TEXT.slice(TEXT.indexOf('### 5.2'));
  for (const { kind } of EXAMPLES) {
    const name = kind.type === 'commit' ? '```\ncommit' : `\n${kind.type}`;
    const told = membersIn(block, name);
    const shape = Object.keys((kind.schema as unknown as z.ZodObject).shape);
    expect([...told].sort(), kind.type).toEqual([...shape].sort());
  }
});

/** Names at the first level of `<name> { a: x, b: { … }, c }`. */
function membersIn(block: string, name: string): string[] {
  const start = block.indexOf('{', block.search(new RegExp(`${name} +\\{`)));
  let depth = 0;
  let top = '';
  for (const char of block.slice(start)) {
    if ('{[('.includes(char)) depth++;
    if ('}])'.includes(char)) depth--;
    if (depth === 1) top += char;
    if (depth === 0) break;
  }
  return top
    .slice(1)
    .split(',')
    .map((part) => /^\s*([A-Za-z]+)/.exec(part)?.[1] ?? '')
    .filter((part) => part !== '');
}

test('the table of operations says for each pair what decides', () => {
  const [head = [], , ...rows] = table('| | init | rotate |');
  const names = head.slice(1);
  expect(rows.map(([name]) => name?.replaceAll('*', ''))).toEqual(
    names.map((name) => (name === 'rebuild catalog' ? 'rebuild catalog' : name)),
  );
  for (const [at, [, ...cells]] of rows.entries()) {
    for (let other = at; other < names.length; other++)
      expect(cells[other], `${names[at]} × ${names[other]}`).not.toBe('');
  }
});

test('the document lists every key that the code makes', () => {
  const run = 'RUN';
  const made = [
    keys.VAULT_KEY,
    keys.keysKey(1),
    keys.furtherKeysKey(1, 2),
    keys.sessionKey(run),
    keys.packKey(run, 'ID'),
    keys.segmentKey(run, 'ID'),
    keys.shardKey(run, 'V', 0),
    keys.mapKey(run, 'V', 'ID'),
    keys.changesKey(run, 'V'),
    keys.evidenceKey(run, 'N'),
    keys.pointKey(run),
    keys.attestationKey(run, run),
    keys.holdKey(run, 'H'),
    keys.releaseKey(run, 'H'),
    keys.tombstoneKey(run),
    keys.gcPlanKey('G'),
    keys.gcPageKey('G', 0),
    keys.gcReportKey('G'),
    keys.gcVersionsKey('G'),
    keys.catalogKey('M', '2026-01-01T00:00:00.000Z', run),
    'index/checks/C.json',
    keys.measurementKey('M', run),
    keys.auditKey('M', run),
    keys.fileIndexKey(run, 'I'),
    keys.indexPageKey(run, 'ID'),
  ];
  const listed = [...TEXT.slice(TEXT.indexOf('## 2.')).matchAll(/^([a-z]+[/.]\S+) {2,}/gm)].map(([, key = '']) => key);
  const patterns = listed.map(
    (key) => new RegExp(`^${key.replaceAll('.', '\\.').replace(/<[^>]+>/g, '[A-Z0-9a-z]+')}$`),
  );
  expect(made.filter((key) => !patterns.some((pattern) => pattern.test(key)))).toEqual([]);
});
