import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteSource } from '../../src/disk/byte-source.ts';
import { type Located, type MachineTree, openMachineTree } from '../../src/disk/tree/machine-tree.ts';
import { oddFilesImage, readImage } from '../support/odd-files-image.ts';
import { isSound } from './is-sound.ts';
import { mutateBytes } from './mutate-bytes.ts';
import type { Random } from './random.ts';
import type { FuzzTarget } from './targets.ts';

const NEVER = new AbortController().signal;
/** The smallest block of ext, and about what its structures take of one. */
const PIECE = 1_024;
const MOST_READ = 64 << 10;

/** File systems that an attacker has written to: every file is looked at, and only damage may be said of it. */
export function diskTargets(): readonly FuzzTarget[] {
  const dir = mkdtempSync(join(tmpdir(), 'fuzzed-disks-'));
  try {
    return [
      diskTarget('ext4', readImage(oddFilesImage({ dir, lean: true, many: 30 }))),
      diskTarget(
        'ext4 with inline data',
        readImage(oddFilesImage({ dir, lean: true, many: 30, features: 'inline_data,^has_journal' })),
      ),
      diskTarget('ext2', readImage(oddFilesImage({ dir, lean: true, many: 30, type: 'ext2' }))),
    ];
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function diskTarget(name: string, disk: Uint8Array): FuzzTarget {
  const pieces = piecesInUse(disk);
  return {
    name: `files on ${name}`,
    burst: 100,
    input: (random) => patchesOf(disk, pieces, random),
    async accepts(input) {
      const source = patched(disk, input);
      const machine = await openMachineTree([{ volumeId: 'vol-1', source }], NEVER);
      return machine.fileSystems.some(({ tree }) => tree) && (await readEverything(machine));
    },
  };
}

/** Where something stands that is not zero; most of a disk is not in use, and changing it tells nothing. */
function piecesInUse(disk: Uint8Array): number[] {
  const found: number[] = [];
  for (let at = 0; at < disk.length; at += PIECE) {
    if (disk.subarray(at, at + PIECE).some((byte) => byte !== 0)) found.push(at);
  }
  return found;
}

/** Changes of a few pieces: place (4 bytes), length (2 bytes), then what stands there instead. Short enough to be printed. */
function patchesOf(disk: Uint8Array, pieces: readonly number[], random: Random): Uint8Array {
  const patches: Uint8Array[] = [];
  for (let left = 1 + random.below(6); left > 0; left--) {
    const size = random.pick([16, 128, 256, PIECE]);
    const at = random.pick(pieces) + random.below(PIECE / size) * size;
    const bytes = mutateBytes(disk.subarray(at, at + size), random).subarray(0, Math.min(PIECE, disk.length - at));
    const head = Buffer.alloc(6);
    head.writeUInt32LE(at);
    head.writeUInt16LE(bytes.length, 4);
    patches.push(head, bytes);
  }
  return Buffer.concat(patches);
}

function patched(disk: Uint8Array, patches: Uint8Array): ByteSource {
  const view = Buffer.from(patches);
  const changes: { at: number; bytes: Uint8Array }[] = [];
  for (let at = 0; at < view.length; ) {
    const length = view.readUInt16LE(at + 4);
    changes.push({ at: view.readUInt32LE(at), bytes: view.subarray(at + 6, at + 6 + length) });
    at += 6 + length;
  }
  return {
    bytes: disk.length,
    async readAt(offset, length) {
      const read = disk.slice(offset, offset + length);
      for (const { at, bytes } of changes) {
        const [from, to] = [Math.max(at, offset), Math.min(at + bytes.length, offset + length)];
        if (from < to) read.set(bytes.subarray(from - at, to - at), from - offset);
      }
      return read;
    },
  };
}

/** True when nothing was damaged. */
async function readEverything(machine: MachineTree): Promise<boolean> {
  let isWhole = true;
  const root = await machine.find('/', NEVER);
  if (!root) return false;
  for await (const item of machine.walk(root, NEVER)) {
    if (item.entry) isWhole = (await isSound(readFile(item))) && isWhole;
    else isWhole = false;
  }
  isWhole = (await isSound(machine.find('/links/short/../../docs/note.txt', NEVER))) && isWhole;
  return isWhole;
}

async function readFile({ tree, entry }: Located): Promise<void> {
  await tree.xattrs(entry, NEVER);
  if (entry.kind === 'link') await tree.readLink(entry, NEVER);
  if (entry.kind !== 'file') return;
  for await (const _ of tree.extents(entry, NEVER));
  await tree.read(entry, 0, Math.min(entry.size, MOST_READ), NEVER);
  await tree.read(entry, Math.max(0, entry.size - MOST_READ), Math.min(entry.size, MOST_READ), NEVER);
}
