import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { openEbsSource } from '../../../../src/platforms/ec2/ebs-source.ts';
import { BLOCK_BYTES } from '../../../../src/vault/block-source.ts';
import { sameBytes } from '../../../../src/vault/bytes.ts';
import { servedEc2 } from '../../../support/served-ec2.ts';
import { TEST_RUN as RUN } from '../../../support/test-run.ts';

const NEVER = new AbortController().signal;

let server: Server | undefined;
afterEach(() => void server?.close());

interface Reply {
  readonly status: number;
  readonly body: string | Uint8Array;
  readonly headers?: Record<string, string>;
  /** The connection breaks after half of the body. */
  readonly isCut?: boolean;
}

const SNAPSHOT = `<DescribeSnapshotsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><snapshotSet><item>
<snapshotId>snap-1</snapshotId><status>completed</status><volumeSize>1</volumeSize><tagSet>
<item><key>understudy:deployment</key><value>deployment</value></item><item><key>understudy:run</key><value>${RUN.runId}</value></item>
<item><key>understudy:role</key><value>clone-snapshot</value></item></tagSet></item></snapshotSet></DescribeSnapshotsResponse>`;

/** Recorded shapes, in order; every request is remembered. */
async function open(replies: Reply[]) {
  const requests: string[] = [];
  const waits: number[] = [];
  server = createServer((request, response) => {
    if (request.method === 'POST') return void response.writeHead(200).end(SNAPSHOT);
    requests.push(request.url ?? '');
    const reply = replies.shift() ?? { status: 500, body: '{}' };
    const body = Buffer.from(reply.body);
    response.writeHead(reply.status, { 'content-length': body.length, ...reply.headers });
    if (reply.isCut) response.write(body.subarray(0, body.length / 2), () => response.destroy());
    else response.end(body);
  });
  const context = await servedEc2(server, waits);
  return { source: await openEbsSource(context, RUN, 'snap-1', NEVER), requests, waits };
}

const page = (indexes: readonly number[], next?: string): Reply => ({
  status: 200,
  body: JSON.stringify({
    BlockSize: BLOCK_BYTES,
    Blocks: indexes.map((BlockIndex) => ({ BlockIndex, BlockToken: `t${BlockIndex}` })),
    ...(next && { NextToken: next }),
  }),
});
const block = (bytes: Uint8Array, digestOf = bytes): Reply => ({
  status: 200,
  body: bytes,
  headers: {
    'x-amz-Data-Length': String(bytes.length),
    'x-amz-Checksum-Algorithm': 'SHA256',
    'x-amz-Checksum': createHash('sha256').update(digestOf).digest('base64'),
  },
});
const refused = (name: string, Reason: string): Reply => ({
  status: 400,
  body: JSON.stringify({ Message: name, Reason }),
  headers: { 'x-amzn-ErrorType': name },
});

async function indexes(items: AsyncIterable<{ index: number }>) {
  const found = [];
  for await (const { index } of items) found.push(index);
  return found;
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

test('pages may be short or empty, and listing stops at the end of the range', async () => {
  const { source, requests } = await open([page([], 'a'), page([5], 'b'), page([9, 12, 99], 'c')]);
  expect(await indexes(source.blocks({ from: 5, to: 50 }, NEVER))).toEqual([5, 9, 12]);
  expect(requests[0]).toContain('startingBlockIndex=5');
  expect(requests[1]).toContain('pageToken=a');
  expect(requests).toHaveLength(3);
});

test('a listing that does not ascend is refused', async () => {
  const { source } = await open([page([5, 5])]);
  await expect(indexes(source.blocks({ from: 0, to: 50 }, NEVER))).rejects.toMatchObject({
    code: 'PlatformAnswerIncomplete',
  });
});

test('a cut body, a wrong digest and throttling are repeated as one unit with the body', async () => {
  const good = new Uint8Array(BLOCK_BYTES).fill(7);
  const { source, waits } = await open([
    { ...block(good), isCut: true },
    block(good, new Uint8Array(3)),
    refused('RequestThrottledException', 'ACCOUNT_THROTTLED'),
    block(good),
  ]);
  expect(sameBytes(await source.read({ index: 1, token: 't1' }, NEVER), good)).toBe(true);
  expect(waits).toEqual([50, 100, 200]);
});

test('a block that stays damaged ends in DamagedBlock, a dead token in StaleListing at once', async () => {
  const bytes = new Uint8Array(BLOCK_BYTES);
  const damaged = await open(Array.from({ length: 8 }, () => block(bytes, new Uint8Array(3))));
  await expect(damaged.source.read({ index: 1, token: 't1' }, NEVER)).rejects.toMatchObject({ code: 'DamagedBlock' });
  server?.close();
  const stale = await open([refused('ValidationException', 'INVALID_BLOCK_TOKEN')]);
  await expect(stale.source.read({ index: 1, token: 't1' }, NEVER)).rejects.toMatchObject({ code: 'StaleListing' });
  expect(stale.waits).toEqual([]);
});

test('a block may be received beside its digest, which is left to whoever hashes it; a cut body is still repeated', async () => {
  const [good, other] = [new Uint8Array(BLOCK_BYTES).fill(7), new Uint8Array(3)];
  const { source, waits } = await open([{ ...block(good), isCut: true }, block(good, other)]);
  const received = await source.receive?.({ index: 1, token: 't1' }, NEVER, new Uint8Array(BLOCK_BYTES));
  expect(sameBytes(received?.bytes ?? other, good)).toBe(true);
  expect(received?.sha256).toEqual(createHash('sha256').update(other).digest());
  expect(waits).toEqual([50]);
});

const bare = (headers: Record<string, string>): Reply => ({ status: 200, body: new Uint8Array(BLOCK_BYTES), headers });

test.each([
  { what: 'no digest', reply: bare({}) },
  {
    what: 'a digest of another kind',
    reply: bare({ ...block(new Uint8Array(BLOCK_BYTES)).headers, 'x-amz-Checksum-Algorithm': 'SHA512' }),
  },
  { what: 'half a digest', reply: bare({ 'x-amz-Checksum-Algorithm': 'SHA256', 'x-amz-Checksum': 'AAAA' }) },
  { what: 'half of its bytes', reply: block(new Uint8Array(BLOCK_BYTES / 2)) },
  { what: 'more than its bytes', reply: block(new Uint8Array(BLOCK_BYTES + 1)) },
])('a block that comes with $what cannot be received either', async ({ reply }) => {
  const { source } = await open(Array.from({ length: 8 }, () => reply));
  const received = source.receive?.({ index: 1, token: 't1' }, NEVER, new Uint8Array(BLOCK_BYTES));
  await expect(received).rejects.toMatchObject({ code: 'DamagedBlock' });
});

test('a block that only the parent holds is listed and reads as zeros without a call', async () => {
  const changed = JSON.stringify({
    BlockSize: BLOCK_BYTES,
    ChangedBlocks: [
      { BlockIndex: 3, FirstBlockToken: 'gone' },
      { BlockIndex: 4, SecondBlockToken: 't4' },
    ],
  });
  const { source, requests } = await open([{ status: 200, body: changed }]);
  const refs = await source.changedSince('snap-0', { from: 0, to: 2_048 }, NEVER);
  if (refs === 'unrelated') throw new Error('they are related');
  const hole = await first(refs);
  expect(hole?.index).toBe(3);
  expect(await source.read(hole ?? { index: 0, token: 'x' }, NEVER)).toEqual(new Uint8Array(BLOCK_BYTES));
  expect(requests).toHaveLength(1);
});

test('snapshots without a common lineage are unrelated, not an error', async () => {
  const { source } = await open([refused('ValidationException', 'UNRELATED_SNAPSHOTS')]);
  expect(await source.changedSince('snap-0', { from: 0, to: 10 }, NEVER)).toBe('unrelated');
});
