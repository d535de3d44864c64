import { Readable } from 'node:stream';
import { sdkStreamMixin } from '@smithy/core/serde';
import { expect, test } from 'vitest';
import { readBody } from '../../../../src/vault/s3/s3-body.ts';

const answer = (chunks: readonly Uint8Array[], ContentLength: number) => ({
  Body: sdkStreamMixin(Readable.from(chunks)),
  ContentLength,
});

// Made anew for each test: whoever reads a chunk gives its memory back.
const parts = () => [new Uint8Array(70_000).fill(1), new Uint8Array(3).fill(2)];

test('a body that arrives in parts is one piece of the announced length', async () => {
  const bytes = await readBody('a.pack', answer(parts(), 70_003));
  expect(bytes.length).toBe(70_003);
  expect([bytes[69_999], bytes[70_000]]).toEqual([1, 2]);
  expect(bytes.buffer.byteLength).toBe(70_003);
});

test('a body of a range is put into the room that was given for it', async () => {
  const room = new Uint8Array(new SharedArrayBuffer(80_000));
  const bytes = await readBody('a.pack', answer(parts(), 70_003), { offset: 0, length: 70_003, room });
  expect(bytes.buffer).toBe(room.buffer);
  expect([bytes.length, bytes[69_999], bytes[70_000], room[70_003]]).toEqual([70_003, 1, 2, 0]);
});

test('a server that answers a range with more gets no room for it', async () => {
  const room = new Uint8Array(new SharedArrayBuffer(70_000));
  const bytes = await readBody('a.pack', answer(parts(), 70_003), { offset: 0, length: 70_000, room });
  expect(bytes.length).toBe(70_003);
  expect(bytes.buffer).not.toBe(room.buffer);
});

test.each([
  { what: 'ends before', announced: 70_004 },
  { what: 'goes on after', announced: 70_002 },
])('a body that $what its announced end may pass with another attempt', async ({ announced }) => {
  await expect(readBody('a.pack', answer(parts(), announced))).rejects.toMatchObject({
    code: 'VaultUnreachable',
    message: expect.stringContaining('a.pack'),
  });
});

test('an object larger than any of the format is refused before memory is taken for it', async () => {
  await expect(readBody('a.pack', answer([], 2 ** 40))).rejects.toMatchObject({ code: 'ObjectDamaged' });
});
