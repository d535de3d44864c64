import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERROR_STATUS } from '../../../src/errors.ts';

const PAGE = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
const SECTIONS = new Map(
  PAGE.split(/^## /m)
    .slice(1)
    .map((section) => {
      const [code = '', ...text] = section.split('\n');
      return [code.trim(), text.join('\n').trim()] as const;
    }),
);

test('every code has a section, and every section a code', () => {
  expect([...SECTIONS.keys()].sort()).toEqual(Object.keys(ERROR_STATUS).sort());
});

test('sections stand in the order of the registry, so that groups stay together', () => {
  expect([...SECTIONS.keys()]).toEqual(Object.keys(ERROR_STATUS));
});

test.each(Object.entries(ERROR_STATUS))('the section of %s says that it is %s, and more than that', (code, status) => {
  const text = SECTIONS.get(code) ?? '';
  expect(text.startsWith(`*${status}.* `)).toBe(true);
  expect(text.split(/\s+/).length).toBeGreaterThan(25);
});
