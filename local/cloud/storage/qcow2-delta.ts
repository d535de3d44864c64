import { open } from 'node:fs/promises';
import type { Bitmap } from './bitmap.ts';

/**
 * Writes the qcow2 file (version 3, 512 KiB clusters) that lets QEMU read a snapshot: its tables say that exactly the
 * changed blocks come from an external data file, each at its own offset; all others come from the backing file.
 *
 *   cluster 0     header, extensions, backing file's name
 *   cluster 1     refcount table      cluster 2   refcount block
 *   cluster 3     L1 table            cluster 4…  L2 tables, 65,536 entries (32 GiB of disk) each
 *
 * Layout by QEMU's docs/interop/qcow2.txt. Sparse: about 20 KiB on disk.
 */
const CLUSTER_BITS = 19;
const CLUSTER = 2 ** CLUSTER_BITS;
const ENTRIES_PER_L2 = CLUSTER / 8;
const HEADER_BYTES = 112;
const FIRST_L2 = 4;
const EXTERNAL_DATA_FILE = 4n; // incompatible feature bit 2
const COPIED = 1n << 63n; // refcount is exactly one, which external data clusters always count as
const BACKING_FORMAT_EXTENSION = 0xe2792aca;
const DATA_FILE_EXTENSION = 0x44415441;

export interface DeltaImage {
  readonly file: string;
  readonly bytes: number;
  readonly dataFile: string;
  readonly backingFile: string | undefined;
  readonly changed: Bitmap;
}

export async function writeDeltaImage({ file, bytes, dataFile, backingFile, changed }: DeltaImage): Promise<void> {
  const l2Tables = Math.ceil(bytes / (CLUSTER * ENTRIES_PER_L2));
  const clusters = FIRST_L2 + l2Tables;
  if (l2Tables > ENTRIES_PER_L2) throw new RangeError(`a disk of ${bytes} bytes needs more than one L1 cluster`);
  const handle = await open(file, 'w');
  try {
    await handle.truncate(clusters * CLUSTER);
    await handle.write(encodeHeader({ bytes, l2Tables, dataFile, backingFile }), 0, undefined, 0);
    await handle.write(bigEndian64([BigInt(2 * CLUSTER)]), 0, undefined, CLUSTER);
    const refcounts = Buffer.alloc(clusters * 2);
    for (let cluster = 0; cluster < clusters; cluster++) refcounts.writeUInt16BE(1, cluster * 2);
    await handle.write(refcounts, 0, undefined, 2 * CLUSTER);
    const l1 = Array.from({ length: l2Tables }, (_, table) => BigInt((FIRST_L2 + table) * CLUSTER) | COPIED);
    await handle.write(bigEndian64(l1), 0, undefined, 3 * CLUSTER);
    for (let table = 0; table < l2Tables; table++) {
      const entries = encodeL2(changed, table);
      if (entries !== undefined) await handle.write(entries, 0, undefined, (FIRST_L2 + table) * CLUSTER);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Entries up to the last changed block of this table; nothing if it has none. */
function encodeL2(changed: Bitmap, table: number): Buffer | undefined {
  const first = table * ENTRIES_PER_L2;
  const entries = new BigUint64Array(ENTRIES_PER_L2);
  let length = 0;
  for (const block of changed.from(first)) {
    if (block >= first + ENTRIES_PER_L2) break;
    entries[block - first] = BigInt(block * CLUSTER) | COPIED;
    length = block - first + 1;
  }
  return length === 0 ? undefined : bigEndian64([...entries.subarray(0, length)]);
}

function encodeHeader({ bytes, l2Tables, dataFile, backingFile }: HeaderFacts): Buffer {
  const extensions = Buffer.concat([
    ...(backingFile === undefined ? [] : [extension(BACKING_FORMAT_EXTENSION, 'qcow2')]),
    extension(DATA_FILE_EXTENSION, dataFile),
    Buffer.alloc(8), // end of extensions
  ]);
  const name = Buffer.from(backingFile ?? '');
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('QFI\xfb', 0, 'latin1');
  header.writeUInt32BE(3, 4);
  header.writeBigUInt64BE(BigInt(backingFile === undefined ? 0 : HEADER_BYTES + extensions.length), 8);
  header.writeUInt32BE(name.length, 16);
  header.writeUInt32BE(CLUSTER_BITS, 20);
  header.writeBigUInt64BE(BigInt(bytes), 24);
  header.writeUInt32BE(l2Tables, 36);
  header.writeBigUInt64BE(BigInt(3 * CLUSTER), 40);
  header.writeBigUInt64BE(BigInt(CLUSTER), 48);
  header.writeUInt32BE(1, 56); // one cluster of refcount table
  header.writeBigUInt64BE(EXTERNAL_DATA_FILE, 72);
  header.writeUInt32BE(4, 96); // refcounts of 2^4 bits
  header.writeUInt32BE(HEADER_BYTES, 100);
  return Buffer.concat([header, extensions, name]);
}

interface HeaderFacts {
  readonly bytes: number;
  readonly l2Tables: number;
  readonly dataFile: string;
  readonly backingFile: string | undefined;
}

function extension(type: number, text: string): Buffer {
  const data = Buffer.from(text);
  const padded = Buffer.alloc(8 + Math.ceil(data.length / 8) * 8);
  padded.writeUInt32BE(type, 0);
  padded.writeUInt32BE(data.length, 4);
  data.copy(padded, 8);
  return padded;
}

function bigEndian64(values: readonly bigint[]): Buffer {
  const buffer = Buffer.alloc(values.length * 8);
  values.forEach((value, index) => {
    buffer.writeBigUInt64BE(value, index * 8);
  });
  return buffer;
}
