import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { pourBlocks } from '../../../src/activities/pour-blocks.ts';
import type { BlockSink, VolumeBlock } from '../../../src/vault/index.ts';

const MINUTE = 60_000;
/** Every second block; the others are holes. */
const HELD = Array.from({ length: 100 }, (_, n) => 2 * n);

const digestOf = (index: number) => createHash('sha256').update(`block ${index}`).digest();

/** Pours blocks of which each takes two minutes to read. */
async function pour(writtenThrough: number) {
  let nowMs = 0;
  const puts: { readonly index: number; readonly atMs: number }[] = [];
  const givenBack: number[] = [];
  const progress: unknown[] = [];
  async function* read(): AsyncIterable<VolumeBlock> {
    for (const index of HELD) {
      nowMs += 2 * MINUTE;
      const giveBack = () => void givenBack.push(index);
      yield { index, bytes: new Uint8Array(1), sha256: digestOf(index), giveBack };
    }
  }
  const sink: BlockSink = {
    write: async (index) => void puts.push({ index, atMs: nowMs }),
    complete: async () => ({ ref: 'snap-1' }),
  };
  const beat = { signal: new AbortController().signal, progress: (details?: unknown) => void progress.push(details) };
  const written = await pourBlocks(read(), sink, { volumeId: 'vol-1', writtenThrough, beat, now: () => nowMs });
  return { puts, written, givenBack, last: progress.findLast((details) => details !== undefined) };
}

test('the sink gets every block, and what proves them is their number and one checksum over all digests', async () => {
  const { puts, written, last } = await pour(-1);
  expect(puts.map(({ index }) => index)).toEqual(HELD);
  const all = createHash('sha256');
  for (const index of HELD) all.update(digestOf(index));
  expect(written.count).toBe(100);
  expect(Buffer.from(written.checksum())).toEqual(all.digest());
  expect(last).toMatchObject({ blocksDone: 100, bytesRead: 100 * 524_288, writtenThrough: 198 });
});

test('a retry that reads for hours what is written already still puts before EBS gives the snapshot up', async () => {
  const { puts, written, last } = await pour(194);
  const times = [0, ...puts.map(({ atMs }) => atMs)];
  const pauses = puts.map(({ atMs }, n) => atMs - (times[n] ?? 0));
  expect(puts.length).toBeLessThan(HELD.length / 4);
  expect(Math.max(...pauses)).toBeLessThan(15 * MINUTE);
  expect(puts.slice(-2).map(({ index }) => index)).toEqual([196, 198]);
  expect(written.count).toBe(100);
  expect(last).toMatchObject({ writtenThrough: 198 });
});

test('a retry puts only what was not acknowledged, and proves all; no block stays in memory', async () => {
  const { puts, written, givenBack } = await pour(6);
  expect(givenBack).toEqual(HELD);
  expect(puts.map(({ index }) => index)).toEqual(HELD.slice(4));
  expect(written.count).toBe(100);
});
