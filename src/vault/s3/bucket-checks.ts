import { hash } from 'node:crypto';
import {
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { VaultError } from '../../errors.ts';
import { broken, missing, type StoreCheck, works } from '../check/finding.ts';
import type { BucketDoor } from './bucket-door.ts';

const OLD_SERVER = 'use a newer version of this server, or another one';

/** What a bucket must do besides (check/object-checks.ts); clocks and locks have files of their own. */
export function bucketChecks(door: BucketDoor): readonly StoreCheck[] {
  return [
    { name: 'checksums', permission: 's3:GetObject', withoutPermission: 'broken', run: () => readChecksum(door) },
    { name: 'wrong checksum', permission: 's3:PutObject', withoutPermission: 'broken', run: () => putWrong(door) },
    { name: 'pages', permission: 's3:ListBucket', withoutPermission: 'broken', run: () => listPages(door) },
    { name: 'overwrite', permission: 's3:PutObject', withoutPermission: 'broken', run: () => overwrite(door) },
    {
      name: 'versions',
      permission: 's3:GetBucketVersioning',
      withoutPermission: 'not-checked',
      run: () => readVersioning(door),
    },
  ];
}

async function readChecksum(door: BucketDoor) {
  const { client, bucket, prefix, call, put, randomBytes, signal } = door;
  const body = randomBytes(4096);
  await put('checksum.json', body);
  const object = { Bucket: bucket, Key: `${prefix}checksum.json`, ChecksumMode: 'ENABLED' } as const;
  const reply = await call('checksum.json', () => client.send(new HeadObjectCommand(object), { abortSignal: signal }));
  const wanted = hash('sha256', body, 'base64');
  if (reply.ChecksumSHA256 === wanted) return works('the SHA-256 of an object is stored and returned');
  if (reply.ChecksumSHA256 !== undefined) {
    return broken(`another SHA-256 was returned: ${reply.ChecksumSHA256}`, 'every read would count as damaged');
  }
  const means = 'damage of documents shows by their authenticator only, and the store cannot tell what it stored';
  return missing('no SHA-256 is returned for an object', means, OLD_SERVER);
}

async function putWrong({ put, randomBytes }: BucketDoor) {
  const ChecksumSHA256 = hash('sha256', randomBytes(16), 'base64');
  try {
    await put('wrong-checksum.json', randomBytes(4096), { ChecksumSHA256 });
  } catch (error) {
    if (error instanceof VaultError && error.code === 'AccessDenied') throw error;
    return works('an object that does not match its SHA-256 was refused');
  }
  const means = 'what is damaged on the way to the store is found only when it is read';
  return missing('an object that does not match its SHA-256 was taken', means, OLD_SERVER);
}

const PAGE_KEYS = 3;

async function listPages({ client, bucket, prefix, call, put, signal }: BucketDoor) {
  const names = Array.from({ length: 8 }, (_, i) => `pages/${i}.json`);
  for (const name of names) await put(name, new Uint8Array(1));
  const listed: string[] = [];
  let pages = 0;
  let ContinuationToken: string | undefined;
  do {
    const input = { Bucket: bucket, Prefix: `${prefix}pages/`, MaxKeys: PAGE_KEYS, ContinuationToken };
    const page = await call('pages/', () => client.send(new ListObjectsV2Command(input), { abortSignal: signal }));
    listed.push(...(page.Contents ?? []).map(({ Key }) => (Key ?? '').slice(prefix.length)));
    ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (ContinuationToken !== undefined && ++pages < names.length);
  if (listed.join() === names.join())
    return works(`${names.length} objects in pages of ${PAGE_KEYS}: each once, in order`);
  const means = 'a collector that misses objects deletes too much or too little';
  return broken(`of ${names.length} objects in pages of ${PAGE_KEYS} came: ${listed.join(', ')}`, means, OLD_SERVER);
}

async function overwrite({ client, bucket, prefix, call, put, signal }: BucketDoor) {
  const object = { Bucket: bucket, Key: `${prefix}overwritten.json` };
  for (let round = 1; round <= 5; round++) {
    await put('overwritten.json', new Uint8Array(round));
    const bytes = await call('overwritten.json', () => sizeOf(client, object, signal));
    if (bytes === round) continue;
    const means = 'the store answers from a cache: what was committed or removed may not be seen';
    return broken(`an object of ${round} bytes was read back with ${bytes}`, means, OLD_SERVER);
  }
  return works('what was written last is what is read');
}

async function sizeOf(client: S3Client, object: { Bucket: string; Key: string }, abortSignal: AbortSignal) {
  const { Body } = await client.send(new GetObjectCommand(object), { abortSignal });
  return (await Body?.transformToByteArray())?.length ?? 0;
}

async function readVersioning({ client, bucket, call, signal }: BucketDoor) {
  const command = new GetBucketVersioningCommand({ Bucket: bucket });
  const { Status } = await call('versioning', () => client.send(command, { abortSignal: signal }));
  if (Status === 'Enabled') return works('the bucket keeps versions: a removed object can be brought back');
  const means = 'whoever may delete or overwrite destroys points for good, and nothing can be locked';
  return missing(`versioning is ${Status ?? 'off'}`, means, 'switch versioning on (docs/operations/bucket.md)');
}
