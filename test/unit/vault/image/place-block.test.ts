import { constants } from 'node:fs';
import { type FileHandle, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BLOCK_BYTES } from '../../../../src/vault/block-source.ts';
import { alignedRoom } from '../../../../src/vault/image/aligned-room.ts';
import { placeBlock } from '../../../../src/vault/image/place-block.ts';
import { seededBytes } from '../../../support/vault-random.ts';

const BLOCK = seededBytes('place block')(BLOCK_BYTES);
const NOWHERE = -1;

let folder: string;
let path: string;
let file: FileHandle;
let direct: FileHandle;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'place-block-'));
  path = join(folder, 'image');
  file = await open(path, 'w');
  direct = await open(path, constants.O_WRONLY | constants.O_DIRECT);
});

afterAll(async () => {
  await direct.close();
  await file.close();
  await rm(folder, { recursive: true });
});

const place = (image: { fd: number; directFd: number | undefined; volumeBytes: number }, index: number) =>
  placeBlock({ bytes: BLOCK, room: alignedRoom(BLOCK_BYTES), image: { ...image, indexes: [] }, index });

test('a block goes past the page cache where the file system lets it', async () => {
  await place({ fd: NOWHERE, directFd: direct.fd, volumeBytes: 3 * BLOCK_BYTES }, 1);
  const written = await readFile(path);
  expect(written.subarray(0, BLOCK_BYTES).every((byte) => byte === 0)).toBe(true);
  expect(written.subarray(BLOCK_BYTES).equals(BLOCK)).toBe(true);
});

test.each([
  { what: 'the odd end of a volume', directFd: () => direct.fd, end: 1001 },
  { what: 'a block of a file system that has no such way', directFd: () => undefined, end: BLOCK_BYTES },
])('$what is written all the same', async ({ directFd, end }) => {
  await file.truncate(0);
  await place({ fd: file.fd, directFd: directFd(), volumeBytes: BLOCK_BYTES + end }, 1);
  const written = await readFile(path);
  expect(written.subarray(BLOCK_BYTES).equals(BLOCK.subarray(0, end))).toBe(true);
});

test('a full disk is told with its code, and not tried another way', async () => {
  const full = await open('/dev/full', 'w');
  const work = place({ fd: file.fd, directFd: full.fd, volumeBytes: BLOCK_BYTES }, 0);
  await expect(work).rejects.toMatchObject({ code: 'ENOSPC' });
  await full.close();
});
