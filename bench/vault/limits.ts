import { createCipheriv, hash, randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Server } from '../../local/servers/s3.ts';
import { BLOCK_BYTES } from '../../src/vault/block-source.ts';
import { free } from '../../src/vault/bytes.ts';
import { COMPRESSION } from '../../src/vault/sealed-block.ts';

/** MiB per second: of one core for the algorithms, of the whole server for its requests. */
export interface Limits {
  readonly sha256: number;
  readonly zstd1: number;
  readonly unzstd: number;
  readonly aesGcm: number;
  readonly rawPut: number;
  readonly rawGet: number;
}

// Spread over the whole image: 200 blocks are 100 MiB.
const SAMPLES = 200;
const OBJECT_BYTES = 32 << 20;
const OBJECTS = 16;

/** What this machine can do at most, measured in the same run as everything else. */
export async function measureLimits(image: { readonly first: string; readonly bytes: number }, server: S3Server) {
  const blocks = await sample(image);
  const frames = blocks.map((block) => zstdCompressSync(block, COMPRESSION));
  const key = randomBytes(32);
  const nonce = randomBytes(12);
  const options = { chunkSize: BLOCK_BYTES + 64 };
  return {
    sha256: rate(blocks, (block) => hash('sha256', block, 'buffer')),
    zstd1: rate(blocks, (block) => free(zstdCompressSync(block, COMPRESSION))),
    unzstd: rate(blocks, (_, i) => free(zstdDecompressSync(frames[i] ?? key, options))),
    aesGcm: rate(blocks, (block) => free(createCipheriv('aes-256-gcm', key, nonce).update(block))),
    ...(await requests(server)),
  } satisfies Limits;
}

async function sample({ first, bytes }: { readonly first: string; readonly bytes: number }): Promise<Buffer[]> {
  const file = await open(first);
  const blocks: Buffer[] = [];
  // The last quarter is zeros, which nobody compresses.
  const step = Math.floor((bytes * 0.75) / SAMPLES / BLOCK_BYTES) * BLOCK_BYTES;
  for (let i = 0; i < SAMPLES; i++) {
    const block = Buffer.alloc(BLOCK_BYTES);
    await file.read(block, 0, BLOCK_BYTES, i * step);
    blocks.push(block);
  }
  await file.close();
  return blocks;
}

function rate(blocks: readonly Buffer[], work: (block: Buffer, i: number) => void): number {
  for (const [i, block] of blocks.slice(0, 20).entries()) work(block, i); // until the code is compiled
  const started = performance.now();
  for (const [i, block] of blocks.entries()) work(block, i);
  return perSecond(blocks.length * BLOCK_BYTES, started);
}

async function requests({ endpoint, region, bucket, root }: S3Server) {
  const client = new S3Client({ endpoint, region, credentials: { ...root }, forcePathStyle: true });
  const body = randomBytes(OBJECT_BYTES);
  const place = (i: number) => ({ Bucket: bucket, Key: `raw/${i}` });
  const four = async (work: (i: number) => Promise<unknown>) => {
    const started = performance.now();
    for (let i = 0; i < OBJECTS; i += 4) await Promise.all([0, 1, 2, 3].map((j) => work(i + j)));
    return perSecond(OBJECTS * OBJECT_BYTES, started);
  };
  try {
    const rawPut = await four((i) => client.send(new PutObjectCommand({ ...place(i), Body: body })));
    const rawGet = await four(async (i) => {
      const { Body } = await client.send(new GetObjectCommand(place(i)));
      await Body?.transformToByteArray();
    });
    return { rawPut, rawGet };
  } finally {
    client.destroy();
  }
}

function perSecond(bytes: number, startedMs: number): number {
  return bytes / 2 ** 20 / ((performance.now() - startedMs) / 1000);
}
