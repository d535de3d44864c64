import { DiskError } from '../errors.ts';
import { readUpTo, sliceOf } from './byte-slice.ts';
import type { ByteSource } from './byte-source.ts';
import { isZero } from './fields.ts';
import type { FileSystemFact } from './file-system-fact.ts';
import { type Partition, readPartitions } from './partitions.ts';
import { recognizeBtrfs } from './superblocks/btrfs.ts';
import { recognizeExt } from './superblocks/ext.ts';
import { type Finding, HEAD_BYTES, type Recognizer } from './superblocks/finding.ts';
import { recognizeOpaque, recognizeSwap } from './superblocks/others.ts';
import { recognizeVfat } from './superblocks/vfat.ts';
import { recognizeXfs } from './superblocks/xfs.ts';

/** What could hide another (LVM, LUKS, RAID) first: leftovers of an earlier file system may still lie below. */
const RECOGNIZERS: readonly Recognizer[] = [
  recognizeOpaque,
  recognizeXfs,
  recognizeBtrfs,
  recognizeSwap,
  recognizeExt,
  recognizeVfat,
];
/** Every known format shows at the start or the end of its partition (RAID 0.90 and 1.0, ZFS: the end). */
const EDGE_BYTES = 1 << 20;

/**
 * The state of every file system of one volume by its own flags; nothing is mounted and nothing of the guest is run. Any
 * bytes give facts: what is damaged or not recognized is `unknown`. Reads at most a few MiB per partition.
 */
export async function readFileSystems(
  volumeId: string,
  source: ByteSource,
  signal: AbortSignal,
): Promise<readonly FileSystemFact[]> {
  const partitions = await readPartitions(source, signal);
  const places = partitions ?? [{ number: 0, offset: 0, bytes: source.bytes, isBiosBoot: false }];
  const facts: FileSystemFact[] = [];
  for (const place of places) facts.push(await readPlace(volumeId, source, place, signal));
  return facts;
}

async function readPlace(
  volumeId: string,
  disk: ByteSource,
  { number, offset, bytes, isBiosBoot, partUuid }: Omit<Partition, 'partUuid'> & { readonly partUuid?: string },
  signal: AbortSignal,
): Promise<FileSystemFact> {
  const finding = isBiosBoot
    ? ({ kind: 'bios-boot', state: 'none', found: 'boot code, no file system' } as const)
    : await recognize(sliceOf(disk, offset, bytes), signal);
  const { uuid, label, ...rest } = finding;
  return {
    volumeId,
    partition: number,
    offset,
    bytes,
    ...rest,
    ...(uuid !== undefined && { uuid }),
    ...(label && { label }),
    ...(partUuid !== undefined && { partUuid }),
  };
}

async function recognize(source: ByteSource, signal: AbortSignal): Promise<Finding> {
  const head = await readUpTo(source, 0, HEAD_BYTES, signal);
  try {
    for (const recognizer of RECOGNIZERS) {
      const finding = await recognizer(head, source, signal);
      if (finding) return finding;
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { kind: 'unrecognized', state: 'unknown', found: error.message.slice(0, 200) };
  }
  const start = await readUpTo(source, 0, EDGE_BYTES, signal);
  const end = await readUpTo(source, Math.max(0, source.bytes - EDGE_BYTES), EDGE_BYTES, signal);
  if (isZero(start) && isZero(end)) return { kind: 'empty', state: 'none', found: 'all zero' };
  return { kind: 'unrecognized', state: 'unknown', found: 'no known file system' };
}
