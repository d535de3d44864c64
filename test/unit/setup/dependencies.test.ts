import { expect, test } from 'vitest';
import { mustInstall } from '../../../setup/dependencies.mjs';

const LOCK = lock({
  '': {},
  'node_modules/a': { version: '1.0.0' },
  'node_modules/b': { version: '2.0.0', optional: true },
});

test.each([
  { installed: undefined, when: 'nothing is installed', must: true },
  {
    installed: lock({ 'node_modules/a': { version: '1.0.0' } }),
    when: 'only an optional package is missing',
    must: false,
  },
  { installed: lock({ 'node_modules/b': { version: '2.0.0' } }), when: 'a package is missing', must: true },
  { installed: lock({ 'node_modules/a': { version: '1.0.1' } }), when: 'a version differs', must: true },
  {
    installed: lock({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.9.0' } }),
    when: 'the version of an optional package differs',
    must: true,
  },
  {
    installed: lock({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/c': { version: '1.0.0' } }),
    when: 'a package is installed that the lock file no longer has',
    must: true,
  },
  { installed: 'no JSON', when: 'the record of what is installed is damaged', must: true },
])('when $when, npm ci runs: $must', ({ installed, must }) => {
  expect(mustInstall(LOCK, installed)).toBe(must);
});

function lock(packages: Record<string, object>): string {
  return JSON.stringify({ lockfileVersion: 3, packages });
}
