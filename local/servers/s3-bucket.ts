import {
  BucketAlreadyExists,
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { S3Server } from './s3.ts';
import type { S3User } from './s3-users.ts';

const BUCKET_ACTIONS = ['s3:ListBucket', 's3:ListBucketVersions', 's3:GetBucketLocation', 's3:GetBucketVersioning'];

/** What each kind of user may do with objects. A writer can neither remove nor unlock: a stolen key destroys nothing. */
const OBJECT_ACTIONS = {
  write: ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject', 's3:GetObjectRetention', 's3:PutObjectRetention'],
  keep: ['s3:*'],
} as const satisfies Record<S3User['may'], readonly string[]>;

/** Creates a bucket with versioning and Object Lock, unless it is there, and lets the users in. */
export async function ensureBucket(server: S3Server, bucket: string, users: readonly S3User[]): Promise<void> {
  const { endpoint, region, root } = server;
  const client = new S3Client({ endpoint, region, credentials: { ...root }, forcePathStyle: true });
  try {
    await createBucket(client, { bucket, region });
    if (users.length > 0) {
      const Policy = JSON.stringify({
        Version: '2012-10-17',
        Statement: users.flatMap((user) => statements(bucket, user)),
      });
      await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
    }
  } finally {
    client.destroy();
  }
}

async function createBucket(client: S3Client, { bucket, region }: { bucket: string; region: string }): Promise<void> {
  // us-east-1 is the one region that S3 refuses as a constraint.
  const constraint =
    region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as never } };
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true, ...constraint }));
  } catch (error) {
    if (!(error instanceof BucketAlreadyOwnedByYou || error instanceof BucketAlreadyExists)) throw error;
  }
}

function statements(bucket: string, { accessKeyId, may }: S3User) {
  const allow = { Effect: 'Allow', Principal: { AWS: [accessKeyId] } };
  return [
    { ...allow, Action: BUCKET_ACTIONS, Resource: [`arn:aws:s3:::${bucket}`] },
    { ...allow, Action: OBJECT_ACTIONS[may], Resource: [`arn:aws:s3:::${bucket}/*`] },
  ];
}
