import { rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../../errors.ts';
import { hex } from '../bytes.ts';
import type { Clock, RandomBytes } from '../clock.ts';
import { createFileStore } from '../file/file-store.ts';
import { placeOf } from '../open-store.ts';
import { bucketChecks } from '../s3/bucket-checks.ts';
import { openBucketDoor } from '../s3/bucket-door.ts';
import { clockCheck } from '../s3/clock-check.ts';
import { lockChecks } from '../s3/lock-checks.ts';
import { removeBelow } from '../s3/remove-below.ts';
import { createS3Client, createS3Store, type S3Place } from '../s3/s3-store.ts';
import { type CheckFinding, missing, runCheck, type StoreCheck } from './finding.ts';
import { objectChecks } from './object-checks.ts';

export interface StoreReport {
  readonly url: string;
  /** Unfit: something is broken, or a lock was demanded and is missing. */
  readonly verdict: 'fit' | 'unfit';
  readonly findings: readonly CheckFinding[];
  /** What the check wrote and could not remove, with the reason. */
  readonly left: readonly string[];
}

export interface CheckStoreRequest {
  readonly url: string;
  /** A store that cannot lock is unfit. */
  readonly mustLock: boolean;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly signal: AbortSignal;
  readonly onFinding?: (finding: CheckFinding) => void;
}

/**
 * Whether a vault may be kept at a URL: every property it relies on is tried, below a prefix of the check's own, without
 * retries that could hide a fault. Nothing that exists is read or changed.
 */
export async function checkStore(request: CheckStoreRequest): Promise<StoreReport> {
  const place = placeOf(request.url);
  const below = `understudy-check-${hex(request.randomBytes(6))}/`;
  const { checks, cleanUp } =
    'bucket' in place ? ofBucket(place, below, request) : await ofFolder(place.folder, below, request);
  const findings: CheckFinding[] = [];
  let left: readonly string[] = [];
  try {
    for (const check of checks) {
      const finding = await runCheck(check);
      findings.push(finding);
      request.onFinding?.(finding);
      // Where nothing can be written, every other check would say the same.
      if (check.name === 'write and read' && finding.verdict === 'broken') break;
    }
  } finally {
    left = await cleanUp();
  }
  return { url: request.url, verdict: isFit(findings, request) ? 'fit' : 'unfit', findings, left };
}

function isFit(findings: readonly CheckFinding[], { mustLock }: CheckStoreRequest): boolean {
  const isLock = ({ name }: CheckFinding) => name === 'lock';
  if (mustLock && !findings.some((finding) => isLock(finding) && finding.verdict === 'fit')) return false;
  return findings.every(({ verdict }) => verdict !== 'broken');
}

interface Plan {
  readonly checks: readonly StoreCheck[];
  readonly cleanUp: () => Promise<readonly string[]>;
}

function ofBucket({ bucket, prefix }: S3Place, below: string, request: CheckStoreRequest): Plan {
  const { clock, randomBytes, signal } = request;
  const client = createS3Client(process.env);
  const store = createS3Store(client, { bucket, prefix }, { clock });
  const place = { bucket, prefix: `${prefix}${below}` };
  const door = openBucketDoor({ client, place, clock, randomBytes, signal });
  return {
    checks: [
      clockCheck(door),
      ...objectChecks({ store, below, randomBytes, signal }),
      ...bucketChecks(door),
      ...lockChecks(door),
    ],
    cleanUp: async () => {
      const left = await removeBelow({ ...door, signal: AbortSignal.timeout(CLEAN_UP_MS) });
      client.destroy();
      return left;
    },
  };
}

/** Also after Ctrl-C: some 90 objects, a call each. */
const CLEAN_UP_MS = 60_000;

async function ofFolder(folder: string, below: string, { randomBytes, signal }: CheckStoreRequest): Promise<Plan> {
  // A store of its own, so that its `.incoming` is below the check's prefix too, and a vault's is left alone.
  const own = join(folder, below);
  const store = createFileStore(own);
  const notThere = await missingFolders(folder);
  const noLock: StoreCheck = {
    name: 'lock',
    permission: '',
    withoutPermission: 'not-checked',
    run: async () =>
      missing(
        'a folder has neither versions nor locks',
        'whoever may write the folder can destroy points',
        'copy the vault to a bucket with Object Lock as well',
      ),
  };
  return {
    checks: [...objectChecks({ store, below: 'check/', randomBytes, signal }), noLock],
    cleanUp: () => removeFolders(own, notThere),
  };
}

/** The folder and those above it that are not there yet; innermost first. */
async function missingFolders(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (let path = folder; dirname(path) !== path; path = dirname(path)) {
    if (await stat(path).catch(() => undefined)) break;
    found.push(path);
  }
  return found;
}

/** The check's own with all it holds; what had to be made for it, unless somebody has put something there meanwhile. */
async function removeFolders(own: string, made: readonly string[]): Promise<readonly string[]> {
  try {
    await rm(own, { recursive: true, force: true });
    for (const path of made) await rmdir(path).catch(passIfNotOurs);
    return [];
  } catch (error) {
    return [`${own}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** Not made after all, or no more the check's alone. */
function passIfNotOurs(error: unknown): void {
  if (!['ENOENT', 'ENOTDIR', 'ENOTEMPTY'].includes(systemCode(error) ?? '')) throw error;
}
