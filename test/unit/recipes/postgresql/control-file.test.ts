import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from '../../../../src/disk/crc32c.ts';
import { readControlFile } from '../../../../src/recipes/postgresql/control-file.ts';

/** A control file of a version, as the server lays it out. */
function controlFile(version: number, state: number, crcOffset: number): Uint8Array {
  const bytes = new Uint8Array(8_192);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, version, true);
  view.setUint32(16, state, true);
  view.setUint32(crcOffset, crc32c(bytes.subarray(0, crcOffset)), true);
  return bytes;
}

test('CRC-32C of the standard check text is right', () => {
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
});

test.each([
  { release: '12', version: 1_201, crcOffset: 288 },
  { release: '13 to 16', version: 1_300, crcOffset: 288 },
  { release: '17', version: 1_700, crcOffset: 288 },
  { release: '18', version: 1_800, crcOffset: 292 },
])('PostgreSQL $release: shut down and in production are told apart', ({ version, crcOffset }) => {
  expect(readControlFile(controlFile(version, 1, crcOffset))).toEqual({
    version,
    state: 'shut down',
    isShutDown: true,
  });
  expect(readControlFile(controlFile(version, 2, crcOffset))).toMatchObject({ isShutDown: true });
  expect(readControlFile(controlFile(version, 6, crcOffset))).toEqual({
    version,
    state: 'in production',
    isShutDown: false,
  });
});

test('an unknown version is unknown, and a flipped bit is damage', () => {
  expect(readControlFile(controlFile(9_999, 1, 288))).toBe('unknown-version');
  const bytes = controlFile(1_300, 1, 288);
  bytes[100] = 1;
  expect(readControlFile(bytes)).toBe('damaged');
  expect(readControlFile(bytes.subarray(0, 100))).toBe('damaged');
});

test('any bytes give an answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      expect(readControlFile(bytes)).toBeDefined();
    }),
  );
});

test("a cluster made by this host's initdb is shut down", () => {
  const dir = mkdtempSync(join(tmpdir(), 'cluster-'));
  try {
    chmodSync(dir, 0o777);
    const initdb = execFileSync('sh', ['-c', 'command -v initdb || ls /usr/lib/postgresql/*/bin/initdb | tail -n 1'], {
      encoding: 'utf8',
    }).trim();
    // initdb refuses to run as root.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    execFileSync(initdb, ['-D', join(dir, 'data'), '-N', '-A', 'trust'], { stdio: 'pipe', ...nobody });
    expect(readControlFile(readFileSync(join(dir, 'data/global/pg_control')))).toMatchObject({
      state: 'shut down',
      isShutDown: true,
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}, 60_000);
