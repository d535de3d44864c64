import { hash } from 'node:crypto';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Clock, RandomBytes } from '../clock.ts';
import { translateS3Error } from './s3-errors.ts';
import type { S3Place } from './s3-store.ts';

/** A bucket as `vault check` sees it: raw calls that a vault itself never makes, below one prefix. */
export interface BucketDoor {
  readonly client: S3Client;
  readonly bucket: string;
  /** All of the key but the check's own names; ends with '/'. */
  readonly prefix: string;
  readonly url: string;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly signal: AbortSignal;
  /** Of the raw call, with errors as the vault knows them. */
  call<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** An unconditional put, as no vault makes it; resolves with the version's id where the bucket keeps versions. */
  put(name: string, body: Uint8Array, extra?: Partial<PutObjectCommand['input']>): Promise<string | undefined>;
}

type DoorRequest = Pick<BucketDoor, 'client' | 'clock' | 'randomBytes' | 'signal'> & { readonly place: S3Place };

export function openBucketDoor({ client, place, clock, randomBytes, signal }: DoorRequest): BucketDoor {
  const { bucket, prefix } = place;
  const url = `s3://${bucket}/${prefix}`;
  async function call<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw translateS3Error(error, name, url);
    }
  }
  return {
    ...{ client, bucket, prefix, url, clock, randomBytes, signal },
    call,
    put: (name, body, extra = {}) =>
      call(name, async () => {
        const ChecksumSHA256 = hash('sha256', body, 'base64');
        const input = { Bucket: bucket, Key: prefix + name, Body: body, ContentLength: body.length, ChecksumSHA256 };
        const reply = await client.send(new PutObjectCommand({ ...input, ...extra }), { abortSignal: signal });
        return reply.VersionId;
      }),
  };
}
