import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { readToolchain } from '../../../local/toolchain.ts';
import { readFileSystems } from '../../../src/disk/read-file-systems.ts';
import { ext4Image, gptDisk, mbrDisk } from '../../support/disk-images.ts';
import { memoryByteSource } from '../../support/file-byte-source.ts';

const NEVER = new AbortController().signal;
const dir = mkdtempSync(join(tmpdir(), 'disk-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const states = async (bytes: Uint8Array) =>
  (await readFileSystems('vol-1', memoryByteSource(bytes), NEVER)).map(
    ({ partition, kind, state }) => `${partition} ${kind} ${state}`,
  );

/** Offsets inside of the partition; the superblock begins at 1,024. */
const EXT_STATE = 1_024 + 58;
const EXT_INCOMPAT = 1_024 + 96;

function withoutChecksum(dirs: Record<string, string> = {}) {
  return ext4Image({ dir, files: dirs, features: '^metadata_csum' });
}

describe('ext', () => {
  test('a freshly made ext4 is clean and says its label', async () => {
    const [fact] = await readFileSystems(
      'vol-1',
      memoryByteSource(ext4Image({ dir, files: {}, label: 'data' })),
      NEVER,
    );
    expect(fact).toMatchObject({ volumeId: 'vol-1', partition: 0, kind: 'ext4', state: 'clean', label: 'data' });
    expect(fact?.uuid).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('the RECOVER feature makes it dirty although the state word still says clean', async () => {
    const image = withoutChecksum();
    image[EXT_INCOMPAT] = (image[EXT_INCOMPAT] ?? 0) | 0x4;
    expect(await states(image)).toEqual(['0 ext4 dirty']);
  });

  test.each([
    { word: 0, state: 'dirty' },
    { word: 1, state: 'clean' },
    { word: 3, state: 'dirty' },
  ])('a state word of $word is $state', async ({ word, state }) => {
    const image = withoutChecksum();
    image[EXT_STATE] = word;
    expect(await states(image)).toEqual([`0 ext4 ${state}`]);
  });

  test('a superblock that fails its own checksum is unknown, whatever its flags say', async () => {
    const image = ext4Image({ dir, files: {}, features: 'metadata_csum' });
    image[1_024 + 48] = (image[1_024 + 48] ?? 0) ^ 1;
    expect(await states(image)).toEqual(['0 ext4 unknown']);
  });
});

describe('other kinds, made by their own tools', () => {
  const made = (tool: string[], bytes = 40 << 20) => {
    const file = join(dir, 'made.img');
    writeFileSync(file, '');
    truncateSync(file, bytes);
    // The guest's own: a host need not have one.
    execFileSync(readToolchain().guest.busybox, [...tool, file], { stdio: 'pipe' });
    return new Uint8Array(readFileSync(file));
  };

  test('swap holds no file system', async () => {
    expect(await states(made(['mkswap']))).toEqual(['0 swap none']);
  });

  test('vfat is clean until its dirty bit is set', async () => {
    const image = made(['mkdosfs']);
    expect(await states(image)).toEqual(['0 vfat clean']);
    image[65] = 1;
    expect(await states(image)).toEqual(['0 vfat dirty']);
  });

  test('a disk of zeros holds nothing, and one of other bytes is unknown', async () => {
    expect(await states(new Uint8Array(4 << 20))).toEqual(['0 empty none']);
    expect(await states(new Uint8Array(4 << 20).fill(7))).toEqual(['0 unrecognized unknown']);
  });

  test.each([
    { kind: 'luks', at: 0, text: 'LUKS\u00ba\u00be' },
    { kind: 'lvm', at: 512, text: 'LABELONE' },
    { kind: 'ntfs', at: 3, text: 'NTFS    ' },
  ])('$kind is unknown, never clean', async ({ kind, at, text }) => {
    const image = new Uint8Array(4 << 20);
    image.set(Buffer.from(text, 'latin1'), at);
    expect(await states(image)).toEqual([`0 ${kind} unknown`]);
  });

  test('a label that lies over the remains of an ext4 counts, not the remains', async () => {
    const image = withoutChecksum();
    image.set(Buffer.from('LABELONE', 'latin1'), 512);
    expect(await states(image)).toEqual(['0 lvm unknown']);
  });
});

describe('partition tables', () => {
  const ext = ext4Image({ dir, files: {} });

  test('an MBR disk shows each partition with its PARTUUID, logical ones from 5 on', async () => {
    const disk = mbrDisk({ primary: ext, logical: [ext, ext] });
    expect(await states(disk)).toEqual(['1 ext4 clean', '5 ext4 clean', '6 ext4 clean']);
    const [first] = await readFileSystems('vol-1', memoryByteSource(disk), NEVER);
    expect(first?.partUuid).toBe('4c414232-01');
  });

  test('a chain of logical partitions that bites its own tail ends', async () => {
    const disk = mbrDisk({ primary: ext, logical: [ext], isLoop: true });
    expect(await states(disk)).toEqual(['1 ext4 clean', '5 ext4 clean']);
  });

  test('a GPT disk knows BIOS boot partitions, and one with a broken checksum is unknown', async () => {
    const disk = gptDisk(ext);
    expect(await states(disk)).toEqual(['1 bios-boot none', '2 ext4 clean']);
    disk[512 + 40] = (disk[512 + 40] ?? 0) ^ 1;
    expect(await states(disk)).toEqual(['0 unrecognized unknown']);
  });

  test('an old whole-disk ext4 under a partition table is not taken for the disk', async () => {
    const disk = mbrDisk({ primary: new Uint8Array(4 << 20).fill(9), logical: [] });
    disk.set(ext.subarray(1_024, 2_048), 1_024);
    expect(await states(disk)).toEqual(['1 unrecognized unknown']);
  });
});

test('any damage to a disk gives facts and never an error of the reader', async () => {
  const disk = mbrDisk({ primary: ext4Image({ dir, files: {} }), logical: [ext4Image({ dir, files: {} })] });
  const mutation = fc.record({ at: fc.nat(2 << 20), bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 20 }), async (mutations) => {
      const damaged = disk.slice(0, 6 << 20);
      for (const { at, bytes } of mutations) damaged.set(bytes, at < 1 << 20 ? at % 4_096 : at);
      for (const { state } of await readFileSystems('vol-1', memoryByteSource(damaged), NEVER)) {
        expect(['clean', 'dirty', 'unknown', 'none']).toContain(state);
      }
    }),
    { numRuns: 100 },
  );
}, 60_000);
