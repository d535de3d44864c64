import { describe, expect, test } from 'vitest';
import { readFileSystems } from '../../../src/disk/read-file-systems.ts';
import { memoryByteSource } from '../../support/file-byte-source.ts';

const NEVER = new AbortController().signal;
const BLOCK = 512;
const LOG_BLOCKS = 2_048;
const LOG_AT = 1 << 20;

interface LogRecord {
  /** Basic block of the log at which it starts. */
  readonly at: number;
  readonly cycle: number;
  readonly bodyBlocks: number;
  readonly isUnmount: boolean;
}

/** Superblock and log as xfs_format.h and xfs_log_format.h lay them out; blocks without a record are of `oldCycle`. */
function xfs(records: readonly LogRecord[], oldCycle = 0): Uint8Array {
  const disk = new Uint8Array(4 << 20);
  const view = new DataView(disk.buffer);
  disk.set(Buffer.from('XFSB'));
  view.setUint32(4, 4_096);
  view.setBigUint64(48, BigInt(LOG_AT / 4_096));
  view.setUint32(84, 1_024);
  view.setUint32(96, (LOG_BLOCKS * BLOCK) / 4_096);
  view.setUint8(124, 10);
  disk.set(Buffer.from('data'), 108);
  for (let block = 0; block < LOG_BLOCKS; block++) view.setUint32(LOG_AT + block * BLOCK, oldCycle);
  for (const { at, cycle, bodyBlocks, isUnmount } of records) {
    const header = LOG_AT + at * BLOCK;
    view.setUint32(header, 0xfeedbabe);
    view.setUint32(header + 4, cycle);
    view.setUint32(header + 8, 2);
    view.setUint32(header + 12, bodyBlocks * BLOCK);
    view.setUint32(header + 40, isUnmount ? 1 : 5);
    view.setUint32(header + 320, 32_768);
    for (let body = 1; body <= bodyBlocks; body++) view.setUint32(header + body * BLOCK, cycle);
    view.setUint8(header + BLOCK + 9, isUnmount ? 0x20 : 0x01);
  }
  return disk;
}

const stateOf = async (disk: Uint8Array) => (await readFileSystems('vol-1', memoryByteSource(disk), NEVER))[0];

describe('XFS', () => {
  test('a log that ends with the unmount record is clean', async () => {
    const disk = xfs([
      { at: 0, cycle: 1, bodyBlocks: 7, isUnmount: false },
      { at: 8, cycle: 1, bodyBlocks: 1, isUnmount: true },
    ]);
    expect(await stateOf(disk)).toMatchObject({ kind: 'xfs', state: 'clean', label: 'data' });
  });

  test('anything written after the unmount record makes it dirty', async () => {
    const disk = xfs([
      { at: 0, cycle: 1, bodyBlocks: 1, isUnmount: true },
      { at: 2, cycle: 1, bodyBlocks: 3, isUnmount: false },
    ]);
    expect(await stateOf(disk)).toMatchObject({ state: 'dirty' });
  });

  test('a log that has gone round ends at its head, not at its last block', async () => {
    const clean = xfs(
      [
        { at: 0, cycle: 3, bodyBlocks: 7, isUnmount: false },
        { at: 8, cycle: 3, bodyBlocks: 1, isUnmount: true },
      ],
      2,
    );
    expect(await stateOf(clean)).toMatchObject({ state: 'clean' });
    const dirty = xfs(
      [
        { at: 0, cycle: 3, bodyBlocks: 7, isUnmount: false },
        { at: 2_046, cycle: 2, bodyBlocks: 1, isUnmount: true },
      ],
      2,
    );
    expect(await stateOf(dirty)).toMatchObject({ state: 'dirty' });
  });

  test('an unmount record that fills the log up to its very end is found', async () => {
    const fill = { at: 0, cycle: 1, bodyBlocks: 2_045, isUnmount: false };
    expect(await stateOf(xfs([fill, { at: 2_046, cycle: 1, bodyBlocks: 1, isUnmount: true }]))).toMatchObject({
      state: 'clean',
    });
  });

  test('a log elsewhere, or a superblock that points outside, is unknown', async () => {
    const external = xfs([]);
    new DataView(external.buffer).setBigUint64(48, 0n);
    expect(await stateOf(external)).toMatchObject({ state: 'unknown' });
    const outside = xfs([]);
    new DataView(outside.buffer).setUint32(96, 0xffff_ffff);
    expect(await stateOf(outside)).toMatchObject({ state: 'unknown' });
  });

  test('a log of zeros proves nothing', async () => {
    expect((await stateOf(xfs([])))?.state).not.toBe('clean');
  });
});
