import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readToolchain } from '../toolchain.ts';
import { onFreePorts, requireFreePort } from './free-port.ts';
import { ensureBucket } from './s3-bucket.ts';
import { ensureUser, type S3User } from './s3-users.ts';
import { findServer, launchServer, type ServerProcess } from './server-process.ts';

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** An S3 server (versitygw over a folder) of this machine. */
export interface S3Server extends ServerProcess {
  readonly endpoint: string;
  readonly region: string;
  /** Versioned and with Object Lock. */
  readonly bucket: string;
  /** May do everything; the product never gets it. */
  readonly root: AccessKey;
}

export interface S3Options {
  /** Holds the objects, which survive a restart on the same folder. */
  readonly stateDir: string;
  readonly bucket: string;
  readonly region: string;
  /** The keys that the local cloud knows too, each with what it may do in the bucket. */
  readonly users?: readonly S3User[];
  /** It outlives this process. */
  readonly detached?: boolean;
  /** A file that gets a line for every request. */
  readonly accessLog?: string;
  /** For a restart behind the same endpoint; otherwise a free one. */
  readonly port?: number;
}

const NAME = 's3';
const HEALTH_PATH = '/understudy-health';
const Facts = z.object({ endpoint: z.string(), region: z.string(), bucket: z.string() });
const Key = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });

/** Starts an S3 server on loopback and resolves when the bucket and its users can be used. */
export function startS3(options: S3Options): Promise<S3Server> {
  return onFreePorts(1, ([port = 0]) => start({ port, ...options }));
}

async function start(options: S3Options & { port: number }) {
  const { stateDir, bucket, region, users = [], detached = false, port, accessLog } = options;
  await requireFreePort(port);
  const folders = makeFolders(stateDir);
  const root = readOrMakeRootKey(stateDir);
  const endpoint = `http://127.0.0.1:${port}`;
  const facts = { endpoint, region, bucket };
  const server = await launchServer({
    name: NAME,
    command: readToolchain().versitygw.path,
    args: [
      ...['--port', new URL(endpoint).host, '--region', region, '--iam-dir', folders.users, '--health', HEALTH_PATH],
      ...(accessLog === undefined ? [] : ['--access-log', accessLog]),
      // As S3 does; without it each request connects anew, which costs the client a third of a small one.
      ...['--keep-alive', '--quiet', 'posix', '--versioning-dir', folders.versions],
      // No MD5 as ETag, as S3 has none with SSE-KMS: it would be a third digest of every upload.
      ...['--data-integrity-etag', folders.objects],
    ],
    // Nothing of the caller's environment: its VGW_ variables would change what this server does.
    env: { PATH: process.env.PATH, ROOT_ACCESS_KEY: root.accessKeyId, ROOT_SECRET_KEY: root.secretAccessKey },
    stateDir,
    detached,
    facts,
    isReady: async () => (await fetch(`${endpoint}${HEALTH_PATH}`, { signal: AbortSignal.timeout(1_000) })).ok,
  });
  const started: S3Server = { ...server, ...facts, root };
  try {
    for (const user of users) await ensureUser(started, user);
    await ensureBucket(started, bucket, users);
    return started;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** The S3 server that runs on this folder, started by whichever process. */
export function adoptS3(stateDir: string): S3Server | undefined {
  const found = findServer(stateDir, NAME);
  return found && { ...found.server, ...Facts.parse(found.facts), root: readOrMakeRootKey(stateDir) };
}

function makeFolders(stateDir: string) {
  const at = (name: string) => join(stateDir, 's3', name);
  const folders = { objects: at('objects'), versions: at('versions'), users: at('users') };
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
  return folders;
}

/** Kept with the objects: versitygw stores their owner, so another root key would find a bucket of somebody else. */
function readOrMakeRootKey(stateDir: string): AccessKey {
  const file = join(stateDir, 's3', 'root-key.json');
  try {
    return Key.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const key = {
    accessKeyId: `root${randomBytes(8).toString('hex')}`,
    secretAccessKey: randomBytes(24).toString('hex'),
  };
  writeFileSync(file, JSON.stringify(key), { mode: 0o600 });
  return key;
}
