import { createCipheriv, createHash, hash } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureCached } from '../../setup/cache.mjs';
import { BLOCK_BYTES } from '../../src/vault/block-source.ts';
import { fillCluster } from './postgres-cluster.ts';

/** A change of any of this makes another image, and another key in the cache. */
const RECIPE = {
  version: 1,
  seed: 'understudy bench 1',
  /** Parts of the image; what is left is zeros. */
  files: 0.4,
  postgresql: 0.22,
  noise: 0.13,
  /** Of the second image's blocks. */
  changed: 0.01,
};

export interface BenchImages {
  readonly first: string;
  readonly second: string;
  readonly changed: string;
  readonly bytes: number;
  readonly rangeOffset: number;
  readonly sha256: string;
}

/**
 * An image like a database server's disk: files of an operating system, a PostgreSQL cluster that pgbench filled and
 * used, incompressible and zero stretches; and a second one in which 1 % of the blocks, scattered, are rewritten.
 */
export async function ensureImages({
  cacheDir,
  bytes,
  note,
}: {
  readonly cacheDir: string;
  readonly bytes: number;
  readonly note: (text: string) => void;
}): Promise<BenchImages> {
  await mkdir(cacheDir, { recursive: true });
  const recipe = hash('sha256', JSON.stringify({ ...RECIPE, bytes }), 'hex').slice(0, 10);
  const make = (folder: string) => makeImages({ folder, bytes, note });
  const { folder } = await ensureCached({ cacheDir, key: `bench-image-${bytes / 2 ** 30}gib-${recipe}`, make, note });
  return {
    first: join(folder, 'first.img'),
    second: join(folder, 'second.img'),
    changed: join(folder, 'changed.txt'),
    bytes,
    rangeOffset: Math.floor(bytes * 0.3) - (Math.floor(bytes * 0.3) % 4096),
    sha256: (await readFile(join(folder, 'sha256'), 'utf8')).trim(),
  };
}

interface Making {
  readonly folder: string;
  readonly bytes: number;
  readonly note: (text: string) => void;
}

async function makeImages({ folder, bytes, note }: Making): Promise<void> {
  note(`making an image of ${bytes / 2 ** 30} GiB`);
  const noise = seededNoise('image');
  const first = await ImageWriter.create(join(folder, 'first.img'));
  await first.addFiles(['/usr'], bytes * RECIPE.files);
  const cluster = await fillCluster({ bytes: bytes * RECIPE.postgresql, seed: 1, note });
  await first.addFiles([cluster], bytes * RECIPE.postgresql);
  await rm(cluster, { recursive: true, force: true });
  for (const end = first.bytes + bytes * RECIPE.noise; first.bytes < end; ) await first.add(noise(BLOCK_BYTES));
  // Written, not left out: every program reads them, as it would from a disk.
  while (first.bytes < bytes) await first.add(Buffer.alloc(Math.min(BLOCK_BYTES, bytes - first.bytes)));
  await first.close();
  await writeFile(join(folder, 'sha256'), first.digest());
  await makeSecond({ folder, bytes, note });
}

/** What a database does within a day: rows in pages of scattered blocks, here 64 KiB of each block that is hit. */
async function makeSecond({ folder, bytes }: Making): Promise<void> {
  const blocks = bytes / BLOCK_BYTES;
  const random = seededNoise('changes');
  const hit = new Set<number>();
  while (hit.size < Math.round(blocks * RECIPE.changed)) hit.add(random(4).readUInt32LE() % blocks);
  const changed = [...hit].sort((a, b) => a - b);
  await writeFile(join(folder, 'changed.txt'), changed.map((index) => `${index}\n`).join(''));
  const from = await open(join(folder, 'first.img'));
  const to = await open(join(folder, 'second.img'), 'wx');
  const buffer = Buffer.alloc(BLOCK_BYTES);
  for (let index = 0; index < blocks; index++) {
    await from.read(buffer, 0, BLOCK_BYTES, index * BLOCK_BYTES);
    if (hit.has(index)) buffer.set(random(65_536), 131_072);
    await to.write(buffer);
  }
  await Promise.all([from.close(), to.close()]);
}

/** Random-looking bytes, the same in every run: AES-CTR is the fastest that Node has. */
function seededNoise(purpose: string): (bytes: number) => Buffer {
  const key = hash('sha256', `${RECIPE.seed} ${purpose}`, 'buffer');
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return (bytes) => cipher.update(Buffer.alloc(bytes));
}

/** Files as a file system lays them out: each from a page on, in the order of their names. */
class ImageWriter {
  readonly #file: FileHandle;
  readonly #digest = createHash('sha256');
  bytes = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<ImageWriter> {
    return new ImageWriter(await open(path, 'wx'));
  }

  async add(bytes: Uint8Array): Promise<void> {
    this.#digest.update(bytes);
    await this.#file.write(bytes);
    this.bytes += bytes.length;
  }

  /** Adds files until so many bytes are there; when all of them are too small for that, fewer. */
  async addFiles(roots: readonly string[], bytes: number): Promise<void> {
    const end = this.bytes + bytes;
    for (const root of roots) {
      for await (const path of filesBelow(root)) {
        if (this.bytes >= end) return;
        const content = await readFile(path).catch(() => Buffer.alloc(0));
        const kept = content.subarray(0, end - this.bytes);
        await this.add(kept);
        await this.add(Buffer.alloc((4096 - (this.bytes % 4096)) % 4096));
      }
    }
  }

  digest(): string {
    return this.#digest.digest('hex');
  }

  async close(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
  }
}

async function* filesBelow(folder: string): AsyncIterable<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

/** Makes `path` the image of the day. */
export async function showAs(image: string, path: string): Promise<void> {
  await rm(path, { force: true });
  await link(image, path);
}
