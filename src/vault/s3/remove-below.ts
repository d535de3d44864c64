import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import type { BucketDoor } from './bucket-door.ts';
import { createS3Versions } from './s3-versions.ts';

/** Removes every version below the door's prefix that may be removed; the keys that are left, each with the reason. */
export async function removeBelow(door: BucketDoor): Promise<string[]> {
  const { client, bucket, prefix, clock, signal } = door;
  const versions = createS3Versions(client, { bucket, prefix }, { clock });
  const left = new Map<string, string>();
  try {
    const found = [];
    for await (const version of versions.listVersions('', signal)) found.push(version);
    // The newest first would let the next older one show up for a moment; nobody else reads here.
    for (const version of found) {
      await versions.removeVersion(version, signal).catch((error: unknown) => left.set(version.key, reasonOf(error)));
    }
  } catch (error) {
    left.set('', reasonOf(error));
  }
  for (const key of left.keys()) {
    if (key === '') continue;
    const object = { Bucket: bucket, Key: prefix + key };
    await client.send(new DeleteObjectCommand(object), { abortSignal: signal }).catch(() => undefined);
  }
  return [...left].map(([key, reason]) => `${prefix}${key}: ${reason}`);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
