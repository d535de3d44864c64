import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeTar, encodeTar, fitsTar } from '../../../../src/recipes/boot/tar.ts';

/** The longest path that a recipe's name and a fact's name can make. */
const LONGEST = `recipes/${'r'.repeat(63)}/params/${'p'.repeat(40)}/${'k'.repeat(40)}`;

test('the longest names of recipes and parameters fit, for us and for a guest', () => {
  const tar = encodeTar(new Map([[LONGEST, new TextEncoder().encode('held\n')]]));
  expect([...decodeTar(tar).keys()]).toEqual([LONGEST]);
  const folder = mkdtempSync(join(tmpdir(), 'tar-'));
  try {
    writeFileSync(join(folder, 'x.tar'), tar);
    execFileSync('tar', ['xf', 'x.tar'], { cwd: folder });
    expect(readFileSync(join(folder, LONGEST), 'utf8')).toBe('held\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each([
  { what: 'of short parts', name: 'a/b', fits: true },
  { what: 'with a part that no field holds', name: `recipes/shop/${'x'.repeat(100)}`, fits: false },
  { what: 'longer than both fields', name: 'twelve-bytes/'.repeat(30), fits: false },
])('a path $what: fits is $fits', ({ name, fits }) => {
  expect(fitsTar(name)).toBe(fits);
});
