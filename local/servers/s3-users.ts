import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { readToolchain } from '../toolchain.ts';
import type { AccessKey, S3Server } from './s3.ts';
import { ServerError } from './server-process.ts';

/** One access key and what it may do in the bucket: `writer` adds and reads, `keeper` also locks and removes. */
export interface S3User extends AccessKey {
  readonly may: 'write' | 'keep';
}

/** Makes the user known to the server; one that is known gets this secret. */
export async function ensureUser(server: S3Server, { accessKeyId, secretAccessKey }: S3User): Promise<void> {
  // The secret is on a command line for some milliseconds: it is worth nothing outside this machine's loopback address.
  const user = ['--access', accessKeyId, '--secret', secretAccessKey];
  const created = await admin(server, ['create-user', ...user, '--role', 'user']);
  if (created === undefined) return;
  const updated = await admin(server, ['update-user', ...user]);
  if (updated === undefined) return;
  throw new ServerError(`the S3 server takes no user ${accessKeyId}: ${created}; ${updated}`);
}

/** Runs one command of versitygw's administration; resolves with what went wrong. */
async function admin({ endpoint, region, root }: S3Server, args: readonly string[]): Promise<string | undefined> {
  const env = {
    PATH: process.env.PATH,
    ADMIN_ACCESS_KEY_ID: root.accessKeyId,
    ADMIN_SECRET_ACCESS_KEY: root.secretAccessKey,
    ADMIN_ENDPOINT_URL: endpoint,
    ADMIN_REGION: region,
  };
  try {
    await promisify(execFile)(readToolchain().versitygw.path, ['admin', ...args], { env, timeout: 20_000 });
    return undefined;
  } catch (error) {
    // Without the command line, which execFile repeats in its message and which holds the secret.
    const { stderr, stdout } = error as { stderr?: string; stdout?: string };
    return (stderr || stdout || 'it said nothing').trim().slice(-300);
  }
}
