import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { fromIni } from '@aws-sdk/credential-provider-ini';
import { ConfigurationError } from '../../errors.ts';
import { sameBytes, sha256Of } from '../bytes.ts';
import { type Clock, systemClock } from '../clock.ts';
import { digestInKey } from '../object-keys.ts';
import type { ByteRange, CreateOptions, ObjectFacts, ObjectStore, SizeLimit } from '../object-store.ts';
import { ifPresent, undefinedIfDamaged } from '../presence.ts';
import { receivingAgents } from '../receiving-agents.ts';
import { setHeader } from '../set-header.ts';
import { alreadyExists, isKey, mustBeKey, mustBeWhole, mustHaveLength, rangeOf } from '../whole-object.ts';
import { readBody } from './s3-body.ts';
import { cutOff, isDigestRefused, isPreconditionFailed, translateS3Error } from './s3-errors.ts';
import {
  extendRetention,
  isLockUnsupported,
  LOCK_MODES,
  lockRefusal,
  putLegalHold,
  readRetention,
} from './s3-locks.ts';

// Uploads, reads ahead and listings of several volumes share one client; the SDK's default is 50.
const SOCKETS = 96;
const CONNECT_TIMEOUT_MS = 5_000;
// The SDK waits for ever by default. Counted while nothing moves, in either direction: its `requestTimeout` would end an
// upload that goes on over a slow line, and an answer whose body stops half-way not at all.
const SILENCE_MS = 60_000;

export interface S3Place {
  readonly bucket: string;
  /** Empty, or ends with '/'. */
  readonly prefix: string;
}

/**
 * Credentials, region and endpoint come from AWS's standard environment; a named profile of its shared files goes before
 * the credentials of the environment, so that one process can work under two roles.
 */
export function createS3Client(env: NodeJS.ProcessEnv, { profile }: { readonly profile?: string } = {}): S3Client {
  const ownEndpoint = ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'].find((name) => env[name]);
  if (ownEndpoint !== undefined) mustBeEndpoint(ownEndpoint, env[ownEndpoint] ?? '');
  return new S3Client({
    // Named outright: with `profile` alone the SDK warns that the environment's credentials may win one day.
    ...(profile !== undefined && { credentials: fromIni({ profile }) }),
    maxAttempts: 1, // retrying.ts repeats, around the reading of the body too
    forcePathStyle: ownEndpoint !== undefined, // other servers have no name per bucket
    requestChecksumCalculation: 'WHEN_REQUIRED', // we send SHA-256, which the object's name holds too
    responseChecksumValidation: 'WHEN_REQUIRED', // and compare it ourselves, with an error that names the object
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_MS,
      ...receivingAgents({ keepAlive: true, maxSockets: SOCKETS }),
    },
  });
}

/** The SDK would say `Invalid URL` of each request, as of a server that cannot be reached. */
function mustBeEndpoint(name: string, value: string): void {
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return;
  const message = `${name} is '${value}', which is no endpoint; write http://host:port or https://host, or unset it for AWS's own`;
  throw new ConfigurationError('InvalidConfiguration', message);
}

/** A vault in a bucket. S3 is strongly consistent, so what was created is seen by every later call. */
export function createS3Store(
  client: S3Client,
  { bucket, prefix }: S3Place,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): ObjectStore {
  const url = `s3://${bucket}/${prefix}`;
  const at = (key: string) => {
    mustBeKey(key);
    return { Bucket: bucket, Key: prefix + key };
  };
  async function guard<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw translateS3Error(error, key, url);
    }
  }
  /** Where a lock is asked for; elsewhere `NotImplemented` has nothing to do with one. */
  function guardLock<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return guard(key, () =>
      work().catch(async (error: unknown) => {
        throw await lockRefusal(error, { client, key, place: { bucket, url } }, signal);
      }),
    );
  }
  async function get(key: string, signal: AbortSignal, part?: ByteRange | SizeLimit): Promise<Uint8Array> {
    const range = rangeOf(part);
    const command = new GetObjectCommand({ ...at(key), ...(range && { Range: rangeHeader(range) }) });
    // By header and not by `ChecksumMode`: the SDK would then check too, and fail with an error that has no name.
    if (!range) setHeader(command, 'x-amz-checksum-mode', 'ENABLED');
    const reply = await client.send(command, { abortSignal: signal });
    const bytes = await readBody(key, reply, part);
    if (range) mustHaveLength(key, bytes, range.length);
    else mustBeWhole(key, bytes, { url, ...checksumOf(reply.ChecksumSHA256) });
    return bytes;
  }
  async function create(
    key: string,
    body: Uint8Array,
    signal: AbortSignal,
    { retention }: CreateOptions = {},
  ): Promise<void> {
    // A name that holds the digest was made from these very bytes, and the server compares: hashing 32 MiB again would
    // keep this thread from everything else for 30 ms.
    const inName = digestInKey(key);
    const digest = inName === undefined ? sha256Of(body) : Buffer.from(inName, 'hex');
    const ChecksumSHA256 = digest.toString('base64');
    const lock = retention && {
      ObjectLockMode: LOCK_MODES[retention.mode],
      ObjectLockRetainUntilDate: retention.until,
    };
    const input = { ...at(key), Body: body, ContentLength: body.length, IfNoneMatch: '*', ChecksumSHA256, ...lock };
    const command = new PutObjectCommand(input);
    // The signature covers the same digest; the SDK would hash all 32 MiB once more.
    setHeader(command, 'x-amz-content-sha256', digest.toString('hex'));
    try {
      await client.send(command, { abortSignal: signal });
    } catch (error) {
      // Damaged here, before it was sent, or on the way: only the latter goes away by sending again.
      if (isDigestRefused(error)) mustBeWhole(key, body, { url });
      if (!isPreconditionFailed(error)) throw error;
      // A lost reply, or another writer: the stored bytes tell which.
      // Removed meanwhile, or some time ago on servers for which a delete marker is an object too: the key was used.
      // What is damaged there is not `body` either.
      const there = await ifPresent(guard(key, () => get(key, signal))).catch(undefinedIfDamaged);
      if (!there || !sameBytes(there, body)) throw alreadyExists(key, url);
      if (retention) await extendRetention(client, { object: at(key), wanted: retention, now: clock.now() }, signal);
    }
  }
  return {
    url,
    create: (key, body, signal, options) =>
      options?.retention
        ? guardLock(key, signal, () => create(key, body, signal, options))
        : guard(key, () => create(key, body, signal, options)),
    get: (key, signal, part) => guard(key, () => get(key, signal, part)),
    head: (key, signal) =>
      guard(key, async () => {
        const reply = await client.send(new HeadObjectCommand(at(key)), { abortSignal: signal });
        return { key, bytes: reply.ContentLength ?? 0 };
      }),
    list: (below, signal) => listObjects(client, { bucket, prefix, below, url }, signal),
    retain: (key, wanted, signal) =>
      guardLock(key, signal, () => extendRetention(client, { object: at(key), wanted, now: clock.now() }, signal)),
    retentionOf: (key, signal) =>
      guardLock(key, signal, async () => {
        const held = await readRetention(client, at(key), signal);
        return held && held.until > clock.now() ? held : undefined;
      }),
    placeHold: (key, signal) =>
      guardLock(key, signal, () => putLegalHold(client, { object: at(key), on: 'ON' }, signal)),
    releaseHold: (key, signal) =>
      guardLock(key, signal, async () => {
        try {
          await putLegalHold(client, { object: at(key), on: 'OFF' }, signal);
        } catch (error) {
          if (!(await isLockUnsupported(error, { client, Bucket: bucket }, signal))) throw error; // where nothing locks, nothing is held
        }
      }),
    remove: (key, signal) =>
      guard(key, async () => {
        await client.send(new DeleteObjectCommand(at(key)), { abortSignal: signal });
      }),
  };
}

interface Listing extends S3Place {
  readonly below: string;
  readonly url: string;
}

async function* listObjects(client: S3Client, listing: Listing, signal: AbortSignal): AsyncIterable<ObjectFacts> {
  const { bucket, prefix, below, url } = listing;
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix + below, ContinuationToken: token });
    const page = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
      throw translateS3Error(error, below, url);
    });
    for (const { Key, Size } of page.Contents ?? []) {
      const key = Key?.slice(prefix.length);
      if (key !== undefined && isKey(key)) yield { key, bytes: Size ?? 0 };
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    if (page.IsTruncated === true && token === undefined) throw cutOff(below, url);
  } while (token !== undefined);
}

function rangeHeader({ offset, length }: ByteRange): string {
  return offset < 0 ? `bytes=${offset}` : `bytes=${offset}-${offset + length - 1}`;
}

function checksumOf(base64: string | undefined): { stored?: string } {
  return base64 === undefined ? {} : { stored: Buffer.from(base64, 'base64').toString('hex') };
}
