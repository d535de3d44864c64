import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { ByteSource } from '../../src/disk/byte-source.ts';

export interface Ext4ImageRequest {
  readonly dir: string;
  /** Contents by path; a value that starts with "-> " is a symbolic link. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly label?: string;
  /** As for mke2fs -O. */
  readonly features?: string;
  readonly type?: 'ext2' | 'ext3' | 'ext4';
  readonly mib?: number;
}

/** A real file system, made by mke2fs. */
export function ext4Image({ dir, files, label = '', features, type = 'ext4', mib = 4 }: Ext4ImageRequest): Uint8Array {
  const work = mkdtempSync(join(dir, 'ext-'));
  const tree = join(work, 'tree');
  mkdirSync(tree);
  for (const [path, content] of Object.entries(files)) {
    const place = join(tree, path);
    mkdirSync(dirname(place), { recursive: true });
    if (typeof content === 'string' && content.startsWith('-> ')) symlinkSync(content.slice(3), place);
    else writeFileSync(place, content);
  }
  const image = join(work, 'image');
  const options = [...(features ? ['-O', features] : []), ...(label ? ['-L', label] : [])];
  execFileSync('mke2fs', ['-q', '-F', '-t', type, '-b', '1024', ...options, '-d', tree, image, `${mib}M`], {
    stdio: 'pipe',
  });
  const bytes = new Uint8Array(readFileSync(image));
  rmSync(work, { recursive: true, force: true });
  return bytes;
}

const SECTOR = 512;
const MIB = 1 << 20;

function entry(table: DataView, slot: number, [type, first, sectors]: readonly [number, number, number]): void {
  const at = 446 + slot * 16;
  table.setUint8(at + 4, type);
  table.setUint32(at + 8, first, true);
  table.setUint32(at + 12, sectors, true);
  table.setUint16(510, 0xaa55, true);
}

export interface MbrDiskRequest {
  readonly primary: Uint8Array;
  readonly logical: readonly Uint8Array[];
  /** The last link points to the first. */
  readonly isLoop?: boolean;
}

/** One primary partition at 1 MiB, then an extended one; each logical partition starts 1 MiB behind its table. */
export function mbrDisk({ primary, logical, isLoop = false }: MbrDiskRequest): Uint8Array {
  const extendedAt = MIB + primary.length;
  const logicalBytes = logical.reduce((sum, image) => sum + MIB + image.length, 0);
  const disk = new Uint8Array(extendedAt + logicalBytes + MIB);
  const table = (at: number) => new DataView(disk.buffer, at, SECTOR);
  table(0).setUint32(440, 0x4c414232, true);
  entry(table(0), 0, [0x83, MIB / SECTOR, primary.length / SECTOR]);
  disk.set(primary, MIB);
  if (logical.length > 0) entry(table(0), 1, [0x05, extendedAt / SECTOR, logicalBytes / SECTOR]);
  let at = extendedAt;
  for (const [n, image] of logical.entries()) {
    entry(table(at), 0, [0x83, MIB / SECTOR, image.length / SECTOR]);
    disk.set(image, at + MIB);
    const next = at + MIB + image.length;
    if (n + 1 < logical.length)
      entry(table(at), 1, [0x05, (next - extendedAt) / SECTOR, (MIB + image.length) / SECTOR]);
    else if (isLoop) entry(table(at), 1, [0x05, 0, 1]);
    at = next;
  }
  return disk;
}

/** A disk whose only partition begins at 1 MiB, of an image that is too large for memory. */
export function onPartition(image: ByteSource): ByteSource {
  const head = new Uint8Array(MIB);
  entry(new DataView(head.buffer, 0, SECTOR), 0, [0x83, MIB / SECTOR, image.bytes / SECTOR]);
  return {
    bytes: MIB + image.bytes,
    async readAt(offset, length, signal) {
      const [from, end] = [Math.max(0, offset - MIB), offset + length - MIB];
      const behind = end > from ? await image.readAt(from, end - from, signal) : new Uint8Array();
      return Buffer.concat([head.subarray(offset, Math.min(MIB, offset + length)), behind]);
    },
  };
}

/** A BIOS boot partition and one file system. */
export function gptDisk(image: Uint8Array): Uint8Array {
  const disk = new Uint8Array(3 * MIB + image.length);
  const view = new DataView(disk.buffer);
  entry(view, 0, [0xee, 1, disk.length / SECTOR - 1]);
  disk.set(Buffer.from('EFI PART'), SECTOR);
  const partition = (slot: number, type: string, first: number, bytes: number) => {
    const at = 2 * SECTOR + slot * 128;
    disk.set(guid(type), at);
    disk.set(guid(`0000000${slot}-1111-2222-3333-444444444444`), at + 16);
    view.setBigUint64(at + 32, BigInt(first / SECTOR), true);
    view.setBigUint64(at + 40, BigInt((first + bytes) / SECTOR - 1), true);
  };
  partition(0, '21686148-6449-6e6f-744e-656564454649', MIB, MIB);
  partition(1, '0fc63daf-8483-4772-8e79-3d69d8477de4', 2 * MIB, image.length);
  disk.set(image, 2 * MIB);
  view.setUint32(SECTOR + 12, 92, true);
  view.setBigUint64(SECTOR + 72, 2n, true);
  view.setUint32(SECTOR + 80, 128, true);
  view.setUint32(SECTOR + 84, 128, true);
  view.setUint32(SECTOR + 88, crc32(disk.subarray(2 * SECTOR, 2 * SECTOR + 128 * 128)), true);
  view.setUint32(SECTOR + 16, crc32(disk.subarray(SECTOR, SECTOR + 92)), true);
  return disk;
}

function guid(text: string): Uint8Array {
  const plain = Buffer.from(text.replaceAll('-', ''), 'hex');
  return Uint8Array.from([3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15], (at) => plain[at] ?? 0);
}
