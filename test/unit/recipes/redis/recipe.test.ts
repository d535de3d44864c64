import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FileReader } from '../../../../src/disk/file-reader.ts';
import { endsAtWholeCommand } from '../../../../src/recipes/redis/command-tail.ts';
import { redis } from '../../../../src/recipes/redis/recipe.ts';

const NEVER = new AbortController().signal;
const command = (...words: string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
const bytes = (text: string) => new TextEncoder().encode(text);

describe('the end of an append-only file', () => {
  const log =
    command('SELECT', '0') +
    command('SET', 'key', 'value\r\n*1\r\n$4\r\nPING') +
    '#TS:1700000000\r\n' +
    command('INCR', 'n');

  test('a whole file ends at a whole command at every command and nowhere else', () => {
    const ends = new Set([0, command('SELECT', '0').length]);
    for (let length = 0; length <= log.length; length++) {
      const isWhole = endsAtWholeCommand(bytes(log.slice(0, length)), true);
      if (ends.has(length) || length === log.length) expect(isWhole, `at ${length}`).toBe(true);
    }
    expect(endsAtWholeCommand(bytes(log.slice(0, -1)), true)).toBe(false);
    expect(endsAtWholeCommand(bytes(`${log}\0\0\0`), true)).toBe(false);
  });

  test('of a tail, any place from which commands reach the end is enough', () => {
    expect(endsAtWholeCommand(bytes(log.slice(15)), false)).toBe(true);
    expect(endsAtWholeCommand(bytes(log.slice(15, -3)), false)).toBe(false);
  });

  test('an RDB preamble is passed over', () => {
    expect(endsAtWholeCommand(bytes(`REDIS0010\0*binary\n${log}`), true)).toBe(true);
    expect(endsAtWholeCommand(bytes(`REDIS0010\0*binary\n${log.slice(0, -2)}`), true)).toBe(false);
  });

  test('any bytes give an answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.boolean(), (any, isWhole) => {
        expect(typeof endsAtWholeCommand(any, isWhole)).toBe('boolean');
      }),
    );
  });
});

describe('clean fact', () => {
  const disk = (files: Record<string, string>): FileReader => ({
    read: (path) => Promise.resolve(files[path] === undefined ? undefined : bytes(files[path])),
    readTail: (path) =>
      Promise.resolve(
        files[path] === undefined ? undefined : { size: bytes(files[path]).length, bytes: bytes(files[path]) },
      ),
    list: (path) => {
      const names = Object.keys(files)
        .filter((name) => name.startsWith(`${path}/`))
        .map((name) => name.slice(path.length + 1).split('/')[0] ?? '');
      return Promise.resolve(names.length > 0 ? [...new Set(names)] : undefined);
    },
  });
  const fact = (files: Record<string, string>) => redis.cleanFact?.(disk(files), redis.params.parse({}), NEVER);
  const manifest =
    'file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\nfile appendonly.aof.2.incr.aof seq 2 type i\n';
  const folder = '/var/lib/redis/appendonlydir';

  test('the last increment of the manifest decides', async () => {
    const files = {
      [`${folder}/appendonly.aof.manifest`]: manifest,
      [`${folder}/appendonly.aof.1.incr.aof`]: command('SET', 'a', 'b').slice(0, -1),
    };
    expect(await fact({ ...files, [`${folder}/appendonly.aof.2.incr.aof`]: command('SET', 'a', 'b') })).toMatchObject({
      verdict: 'clean',
    });
    expect(
      await fact({ ...files, [`${folder}/appendonly.aof.2.incr.aof`]: command('SET', 'a', 'b').slice(0, -1) }),
    ).toMatchObject({ verdict: 'dirty' });
    expect(await fact({ ...files, [`${folder}/appendonly.aof.2.incr.aof`]: '' })).toMatchObject({ verdict: 'clean' });
    expect(await fact(files)).toMatchObject({ verdict: 'unknown', found: /which is not there/ });
  });

  test('a dump alone is noted, and nothing at all is unknown', async () => {
    expect(await fact({ '/var/lib/redis/dump.rdb': 'REDIS0010' })).toMatchObject({ verdict: 'not-observed' });
    expect(await fact({})).toMatchObject({ verdict: 'unknown' });
  });
});
