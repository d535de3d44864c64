import { expect, test } from 'vitest';
import { BLOCK_BYTES } from '../../../src/vault/block-source.ts';
import { CHANGE_SET_FRAME } from '../../../src/vault/change-set.ts';
import { type DataKeyName, deriveKey, type MetaKeyName } from '../../../src/vault/derive.ts';
import { EVIDENCE_FRAME } from '../../../src/vault/evidence-content.ts';
import { PACK_MAGIC, PACK_TAIL_BYTES } from '../../../src/vault/pack-tail.ts';
import { PACK_BYTES, SEGMENT_BLOCKS } from '../../../src/vault/parameters.ts';
import { SEGMENT_FRAME } from '../../../src/vault/segment.ts';
import { MAP_FRAME } from '../../../src/vault/volume-map.ts';

test('the constants of format v1 never change', () => {
  expect({ BLOCK_BYTES, SEGMENT_BLOCKS, PACK_BYTES, PACK_TAIL_BYTES, PACK_MAGIC }).toEqual({
    BLOCK_BYTES: 524_288,
    SEGMENT_BLOCKS: 8192,
    PACK_BYTES: 33_554_432,
    PACK_TAIL_BYTES: 24,
    PACK_MAGIC: 'USPACK1\n',
  });
  expect([SEGMENT_FRAME, MAP_FRAME, CHANGE_SET_FRAME, EVIDENCE_FRAME].map(({ magic }) => magic)).toEqual([
    'USSEGM1\n',
    'USMAP01\n',
    'USCHNG1\n',
    'USEVID1\n',
  ]);
});

const NAMES: readonly (DataKeyName | MetaKeyName)[] = [
  'block',
  'block-id',
  'evidence',
  'trailer',
  'segment',
  'map',
  'change-set',
  'json-mac',
];

test('keys are derived as on the day the format was frozen', () => {
  const root = new Uint8Array(32).fill(1);
  const derived = NAMES.map((name) => {
    const key = deriveKey(root, '407e6ee8-94a1-4786-9106-0305852ce135', name);
    return `${name} ${Buffer.from(key).toString('hex').slice(0, 16)}`;
  });
  expect(derived).toMatchInlineSnapshot(`
    [
      "block ecfd788dad9bd05a",
      "block-id a7c2d16a81189f87",
      "evidence 52a2c1dd0fac95e8",
      "trailer 7c57c21d149174dc",
      "segment 785fda01a0bc02e7",
      "map 548358c513e6a663",
      "change-set 837a55944a5d7cf1",
      "json-mac 196273ebfd995471",
    ]
  `);
});
