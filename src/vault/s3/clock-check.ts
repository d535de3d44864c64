import { type GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { broken, missing, type StoreCheck, works } from '../check/finding.ts';
import type { BucketDoor } from './bucket-door.ts';
import { findHeader } from './find-header.ts';

/** S3 refuses requests that are 15 minutes off; a third of it is near enough to say so. */
const MAX_DRIFT_MS = 5 * 60_000;
/** A lock's date is compared with the server's clock; a minute changes no lock of a day. */
const WORTH_TELLING_MS = 60_000;

/** Must be the first call of its client: the SDK follows the server's clock from the first answer on. */
export function clockCheck(door: BucketDoor): StoreCheck {
  return {
    name: 'clock',
    permission: 's3:ListBucket',
    withoutPermission: 'not-checked',
    run: () => compareClocks(door),
  };
}

async function compareClocks({ client, bucket, prefix, clock, call, signal }: BucketDoor) {
  const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 });
  let date: string | undefined;
  rememberDate(command, (found) => {
    date = found;
  });
  await call('clock', () => client.send(command, { abortSignal: signal })).catch((error: unknown) => {
    if (date === undefined) throw error; // refused for its time, but it told its own
  });
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs))
    return missing('the server sends no Date', 'nobody can tell whether locks end when they should');
  const driftMs = theirs - clock.now().getTime();
  const drift = `${Math.round(Math.abs(driftMs) / 1000)} s ${driftMs < 0 ? 'behind' : 'ahead of'} ours`;
  if (Math.abs(driftMs) > MAX_DRIFT_MS) {
    const means = 'signed requests are refused, and locks run out at another time than a manifest says';
    return broken(`the server's clock is ${drift}`, means, 'set both clocks by NTP');
  }
  if (Math.abs(driftMs) <= WORTH_TELLING_MS) return works(`the server's clock is ${drift}`);
  return missing(
    `the server's clock is ${drift}`,
    'locks run out that much earlier or later',
    'set both clocks by NTP',
  );
}

type Stack = GetObjectCommand['middlewareStack'];

function rememberDate(command: { readonly middlewareStack: unknown }, remember: (date: string | undefined) => void) {
  // The stacks differ in their commands' types only, and this handler looks at neither.
  (command.middlewareStack as Stack).add(
    (next) => async (args) => {
      try {
        const result = await next(args);
        remember(findHeader(result.response, 'date'));
        return result;
      } catch (error) {
        if (error instanceof Error && '$response' in error) remember(findHeader(error.$response, 'date'));
        throw error;
      }
    },
    { step: 'deserialize', priority: 'high', name: 'remember date' },
  );
}
