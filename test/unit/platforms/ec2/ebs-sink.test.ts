import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { openEbsSink } from '../../../../src/platforms/ec2/ebs-sink.ts';
import { BLOCK_BYTES } from '../../../../src/vault/block-source.ts';
import { hex, sha256Of } from '../../../../src/vault/bytes.ts';
import { servedEc2 } from '../../../support/served-ec2.ts';
import { TEST_RUN as RUN } from '../../../support/test-run.ts';
import { noise } from '../../../support/vault-volume.ts';

const NEVER = new AbortController().signal;

let server: Server | undefined;
afterEach(() => void server?.close());

const PENDING = `<DescribeSnapshotsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><snapshotSet><item>
<snapshotId>snap-1</snapshotId><status>pending</status><volumeSize>1</volumeSize><tagSet>
<item><key>understudy:deployment</key><value>deployment</value></item><item><key>understudy:run</key><value>${RUN.runId}</value></item>
<item><key>understudy:role</key><value>verify</value></item><item><key>understudy:name</key><value>vol-1</value></item>
</tagSet></item></snapshotSet></DescribeSnapshotsResponse>`;

/** A sink that goes on with a pending snapshot, and what it puts. */
async function open() {
  const puts: { readonly headers: IncomingHttpHeaders; readonly body: Buffer }[] = [];
  server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    if (request.method === 'POST') return void response.writeHead(200).end(PENDING);
    puts.push({ headers: request.headers, body });
    response.writeHead(201).end('{}');
  });
  const wanted = {
    run: RUN,
    role: 'verify',
    name: 'vol-1',
    volumeBytes: 2 ** 30,
    encryption: 'none',
  } as const;
  return { sink: await openEbsSink(await servedEc2(server), wanted, NEVER), puts };
}

test('a block is sent out of shared memory with the digest it came with, for EBS and for the signature', async () => {
  const { sink, puts } = await open();
  const room = new Uint8Array(new SharedArrayBuffer(2 * BLOCK_BYTES), BLOCK_BYTES);
  room.set(noise(1));
  // Not the block's own: whoever hashed it again would send another one.
  const sha256 = sha256Of(noise(2));
  await sink.write(7, room, sha256, NEVER);
  const [put] = puts;
  expect(put?.headers).toMatchObject({
    'x-amz-checksum': sha256.toString('base64'),
    'x-amz-checksum-algorithm': 'SHA256',
    'x-amz-content-sha256': hex(sha256),
    'content-length': String(BLOCK_BYTES),
  });
  expect(put?.headers.authorization).toMatch(/SignedHeaders=[^,]*x-amz-content-sha256/);
  expect(Buffer.compare(put?.body ?? Buffer.alloc(0), noise(1))).toBe(0);
});
