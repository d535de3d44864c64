import { type ErrorCode, VaultError } from '../../errors.ts';
import { sameBytes, sha256Hex } from '../bytes.ts';
import type { RandomBytes } from '../clock.ts';
import type { ObjectStore } from '../object-store.ts';
import { broken, type StoreCheck, works } from './finding.ts';

export interface ObjectChecksRequest {
  readonly store: ObjectStore;
  /** Where the check writes, and nowhere else; ends with '/'. */
  readonly below: string;
  readonly randomBytes: RandomBytes;
  readonly signal: AbortSignal;
}

/** So many creates of one key at once; a commit and a fence are two, and a store that fails seldom fails at 16. */
const RACERS = 16;
/** Three races: a store that compares and writes in two steps lets one of them through. */
const RACES = 3;
const OTHER_SERVER = 'use another server or another bucket; nothing in a configuration repairs this';

/** What every vault needs of a bucket or folder, by the port that the vault itself uses. */
export function objectChecks(request: ObjectChecksRequest): readonly StoreCheck[] {
  return [
    {
      name: 'write and read',
      permission: 's3:PutObject and s3:GetObject',
      withoutPermission: 'broken',
      run: () => writeAndRead(request),
    },
    {
      name: 'conditional create',
      permission: 's3:PutObject',
      withoutPermission: 'broken',
      run: () => createTwice(request),
    },
    {
      name: 'race of creates',
      permission: 's3:PutObject',
      withoutPermission: 'broken',
      run: () => race(request),
    },
    {
      name: 'lost reply',
      permission: 's3:GetObject',
      withoutPermission: 'broken',
      run: () => repeatCreate(request),
    },
    { name: 'ranges', permission: 's3:GetObject', withoutPermission: 'broken', run: () => readRanges(request) },
    { name: 'listing', permission: 's3:ListBucket', withoutPermission: 'broken', run: () => listInOrder(request) },
    {
      name: 'missing objects',
      permission: 's3:ListBucket',
      withoutPermission: 'broken',
      run: () => lookForNothing(request),
    },
  ];
}

async function writeAndRead({ store, below, randomBytes, signal }: ObjectChecksRequest) {
  const body = randomBytes(1 << 20);
  const key = `${below}packs/${sha256Hex(body)}.pack`;
  await store.create(key, body, signal);
  const whole = sameBytes(await store.get(key, signal), body);
  const { bytes } = await store.head(key, signal);
  if (whole && bytes === body.length) return works('1 MiB was written and read back at once, byte for byte');
  return broken(`1 MiB was written, ${bytes} bytes are there, ${whole ? 'the same' : 'other ones'}`, LOSES_DATA);
}
const LOSES_DATA = 'what is stored is not what was sent: points could not be restored';

async function createTwice({ store, below, signal }: ObjectChecksRequest) {
  const key = `${below}create.json`;
  await store.create(key, text('first'), signal);
  const second = await codeOf(store.create(key, text('second'), signal));
  const stands = new TextDecoder().decode(await store.get(key, signal));
  if (second === 'ObjectExists' && stands === 'first') {
    return works('a second create of the same key was refused, the first object stands');
  }
  return broken(
    `a second create of the same key ended with ${second ?? 'success'}, '${stands}' stands: If-None-Match is ignored`,
    'a fenced run could still commit, and a collector would delete what a point needs',
    OTHER_SERVER,
  );
}

async function race({ store, below, signal }: ObjectChecksRequest) {
  for (let round = 1; round <= RACES; round++) {
    const key = `${below}race-${round}.json`;
    const racers = Array.from({ length: RACERS }, (_, i) => codeOf(store.create(key, text(`racer ${i}`), signal)));
    const ends = await Promise.all(racers);
    const winners = ends.flatMap((end, i) => (end === undefined ? [i] : []));
    const stands = new TextDecoder().decode(await store.get(key, signal));
    if (winners.length === 1 && stands === `racer ${winners[0]}`) continue;
    return broken(
      `of ${RACERS} creates of one key at once ${winners.length} succeeded, '${stands}' stands`,
      'commit and fence decide by exactly one winner: points could be lost',
      OTHER_SERVER,
    );
  }
  return works(`${RACES} times ${RACERS} creates of one key at once: exactly one won each time`);
}

async function repeatCreate({ store, below, signal }: ObjectChecksRequest) {
  const key = `${below}repeated.json`;
  await store.create(key, text('body'), signal);
  const again = await codeOf(store.create(key, text('body'), signal));
  if (again === undefined) return works('repeating a create whose reply was lost is recognized as success');
  return broken(`repeating a create with the same bytes ended with ${again}`, 'a lost reply would end a backup');
}

async function readRanges({ store, below, signal }: ObjectChecksRequest) {
  const key = `${below}ranges.json`;
  await store.create(key, text('0123456789'), signal);
  const wanted = [
    { range: { offset: 2, length: 3 }, is: '234' },
    { range: { offset: 0, length: 1 }, is: '0' },
    { range: { offset: 9, length: 1 }, is: '9' },
    { range: { offset: -4, length: 4 }, is: '6789' },
  ];
  for (const { range, is } of wanted) {
    const outcome = await store.get(key, signal, range).then((bytes) => new TextDecoder().decode(bytes), codeOfError);
    if (outcome === is) continue;
    const found = `bytes ${range.offset} to ${range.offset + range.length - 1} of an object gave '${outcome}'`;
    return broken(found, 'a block is read by its range: nothing could be restored', OTHER_SERVER);
  }
  return works('ranges from the start, in the middle and from the end are exact');
}

async function listInOrder({ store, below, signal }: ObjectChecksRequest) {
  const names = ['a-b.json', 'a.json', 'a/b-c.json', 'a/b.json', 'a/b/c.json', 'b.json'];
  for (const name of names.toReversed()) await store.create(`${below}list/${name}`, text(name), signal);
  const listed: string[] = [];
  for await (const { key } of store.list(`${below}list/`, signal)) listed.push(key.slice(below.length + 5));
  if (listed.join() === names.join()) return works('objects are listed at once, each once, in key order');
  return broken(
    `${names.length} objects were written, listed were: ${listed.join(', ') || 'none'}`,
    'a collector that misses objects deletes too much or too little',
    OTHER_SERVER,
  );
}

async function lookForNothing({ store, below, signal }: ObjectChecksRequest) {
  const outcome = await codeOf(store.head(`${below}nothing.json`, signal));
  if (outcome === 'ObjectMissing') return works('an object that is not there is answered as missing');
  if (outcome !== 'AccessDenied') return broken(`a missing object was answered with ${outcome ?? 'an object'}`, BLIND);
  return broken('a missing object was answered with AccessDenied', BLIND, 'allow s3:ListBucket on the bucket');
}
const BLIND = 'a vault cannot tell a point that does not exist from one that may not be read';

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | undefined> {
  return work.then(() => undefined, codeOfError);
}

function codeOfError(error: unknown): ErrorCode {
  if (error instanceof VaultError) return error.code;
  throw error;
}
