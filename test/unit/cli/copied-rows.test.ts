import { expect, test } from 'vitest';
import { CopiedRows } from '../../../src/cli/copied-rows.ts';

const SQL = [
  'CREATE TABLE public.odd (a text);',
  'COPY public.odd (a) FROM stdin;',
  'COPY public.odd (a) FROM stdin;',
  '',
  '\\.x',
  'last',
  '\\.',
  'not a row',
  'COPY public.none (a) FROM stdin;',
  '\\.',
  '',
].join('\n');

test('rows are the lines of a COPY, wherever the chunks are cut', () => {
  const bytes = Buffer.from(SQL);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const counted = new CopiedRows();
    for (const chunk of [bytes.subarray(0, cut), bytes.subarray(cut)]) counted.add(chunk);
    expect({ cut, rows: counted.rows }).toEqual({ cut, rows: 4 });
  }
});
