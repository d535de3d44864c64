import { spawnSync } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { NbdProblem } from '../../../src/nbd/nbd-export.ts';
import { type NbdPlace, serveNbd } from '../../../src/nbd/serve-nbd.ts';
import { contextRequest, encodeRawRequest, infoRequest, u32 } from '../../support/nbd-bytes.ts';
import { RawNbdClient } from '../../support/nbd-client.ts';
import { DISK_BLOCK_BYTES, sparseDisk } from '../../support/sparse-disk.ts';
import { temporaryFolder } from '../../support/vault-fixture.ts';
import { seededBytes } from '../../support/vault-random.ts';

const B = DISK_BLOCK_BYTES;
const READ = 0;
const BLOCK_STATUS = 7;
const [EPERM, EIO, EINVAL] = [1, 5, 22];

async function served({ place }: { readonly place?: NbdPlace } = {}) {
  const disk = sparseDisk(60);
  const problems: NbdProblem[] = [];
  const refused: string[] = [];
  const server = await serveNbd({
    exports: [
      { name: 'vol-1', description: 'root', source: disk },
      { name: 'vol-2', description: 'data', source: sparseDisk(9, 'second') },
    ],
    place: place ?? { socketPath: join(await temporaryFolder(), 's') },
    onProblem: (problem) => problems.push(problem),
    onRefused: (reason) => refused.push(reason),
  });
  onTestFinished(() => server.close());
  return { disk, problems, refused, server, client: () => RawNbdClient.open(server.place) };
}

/** A client in transmission, with structured replies and base:allocation. */
async function chosen(client: RawNbdClient): Promise<RawNbdClient> {
  await client.greet();
  await client.option(8);
  await client.option(10, contextRequest('vol-1', 'base:allocation'));
  await client.option(7, infoRequest('vol-1'));
  return client;
}

/** What the chunks of a read say, put together; errors as `offset: message`. */
function assemble(chunks: readonly { type: number; payload: Buffer }[], { offset, length }: Range) {
  const data = Buffer.alloc(length, 0xee);
  const errors: string[] = [];
  for (const { type, payload } of chunks) {
    if (type === 1) data.set(payload.subarray(8), Number(payload.readBigUInt64BE()) - offset);
    if (type === 2)
      data.fill(
        0,
        Number(payload.readBigUInt64BE()) - offset,
        Number(payload.readBigUInt64BE()) - offset + payload.readUInt32BE(8),
      );
    if (type === 2 ** 15 + 2)
      errors.push(`${payload.readUInt32BE()} at ${payload.readBigUInt64BE(payload.length - 8)}`);
  }
  return { data, errors };
}

interface Range {
  readonly offset: number;
  readonly length: number;
}

test('the greeting offers fixed newstyle, and exports are listed with what people may read', async () => {
  const { client } = await served();
  const raw = await client();
  const greeting = await raw.receive(18);
  expect(greeting.subarray(0, 16).toString()).toBe('NBDMAGICIHAVEOPT');
  expect(greeting.readUInt16BE(16)).toBe(3);
  raw.send(u32(3));
  const replies = await raw.option(3);
  expect(replies.map(({ kind }) => kind)).toEqual([2, 2, 1]);
  expect(replies[1]?.data.subarray(4).toString()).toBe('vol-2data');
});

test('information names size, read-only, block sizes; a client that names no export gets the first', async () => {
  const { client, disk } = await served();
  const raw = await client();
  await raw.greet();
  const replies = await raw.option(6, infoRequest('', 1, 2, 3, 99));
  expect(replies.map(({ kind, data }) => (kind === 3 ? data.readUInt16BE() : 'ack'))).toEqual([0, 1, 2, 3, 'ack']);
  const facts = replies[0]?.data ?? Buffer.alloc(12);
  expect(Number(facts.readBigUInt64BE(2))).toBe(disk.bytes);
  expect(facts.readUInt16BE(10) & 0b10).toBe(0b10);
  expect(replies[3]?.data.readUInt32BE(6)).toBe(B);
  expect((await raw.option(7, infoRequest('vol-9'))).map(({ kind }) => kind)).toEqual([2 ** 31 + 6]);
});

test.each([
  { flags: 3, padding: 0 },
  { flags: 1, padding: 124 },
])('a client of the old way (flags $flags) gets $padding zeros and simple replies', async ({ flags, padding }) => {
  const { client, disk } = await served();
  const raw = await client();
  await raw.greet(flags);
  raw.send(Buffer.concat([Buffer.from('IHAVEOPT'), u32(1), u32(5), Buffer.from('vol-1')]));
  const facts = await raw.receive(10 + padding);
  expect(Number(facts.readBigUInt64BE())).toBe(disk.bytes);
  raw.request({ command: READ, offset: 100, length: 3 * B });
  expect(await raw.simple()).toBe(0);
  expect(await raw.receive(3 * B)).toEqual(Buffer.from(disk.content.subarray(100, 100 + 3 * B)));
  disk.damaged.add(4);
  raw.request({ command: READ, offset: 0, length: 6 * B });
  expect(await raw.simple()).toBe(EIO);
  raw.request({ command: READ, offset: 0, length: 4 * B });
  expect(await raw.simple()).toBe(0);
});

test('a structured read tells holes instead of sending zeros', async () => {
  const { client, disk } = await served();
  const raw = await chosen(await client());
  const range = { offset: B - 10, length: 9 * B };
  raw.request({ command: READ, ...range });
  const chunks = await raw.chunks();
  expect(chunks.filter(({ type }) => type === 2)).toHaveLength(4);
  expect(assemble(chunks, range)).toEqual({
    data: Buffer.from(disk.content.subarray(range.offset, range.offset + range.length)),
    errors: [],
  });
});

test('a damaged block is an I/O error for exactly its range, is reported, and spares the rest', async () => {
  const { client, disk, problems } = await served();
  const raw = await chosen(await client());
  disk.damaged.add(7);
  const range = { offset: 0, length: 30 * B };
  raw.request({ command: READ, ...range });
  const { data, errors } = assemble(await raw.chunks(), range);
  const expected = Buffer.from(disk.content.subarray(0, range.length));
  expected.fill(0xee, 7 * B, 8 * B);
  expect(data).toEqual(expected);
  expect(errors).toEqual([`${EIO} at ${7 * B}`]);
  expect(problems).toMatchObject([{ exportName: 'vol-1', offset: 7 * B, bytes: B }]);
  expect(String(problems[0]?.error)).toContain('block 7 is damaged');
});

test('block status tells data and holes; with REQ_ONE just the first stretch', async () => {
  const { client } = await served();
  const raw = await chosen(await client());
  const pairs = async () => {
    const [status] = await raw.chunks();
    const payload = status?.payload ?? Buffer.alloc(0);
    return Array.from({ length: (payload.length - 4) / 8 }, (_, i) => [
      payload.readUInt32BE(4 + i * 8) / B,
      payload.readUInt32BE(8 + i * 8),
    ]);
  };
  raw.request({ command: BLOCK_STATUS, offset: B, length: 6 * B });
  expect(await pairs()).toEqual([
    [2, 0],
    [1, 3],
    [2, 0],
    [1, 3],
  ]);
  raw.request({ command: BLOCK_STATUS, offset: B, length: 6 * B, flags: 8 });
  expect(await pairs()).toEqual([[2, 0]]);
});

test.each([
  { what: 'a write', request: { command: 1, length: 70_000 }, payload: 70_000, error: EPERM },
  { what: 'a trim', request: { command: 4, length: B }, error: EPERM },
  { what: 'zeroes', request: { command: 6, length: B }, error: EPERM },
  { what: 'a flush', request: { command: 3 }, error: 0 },
  { what: 'an unknown command', request: { command: 99 }, error: EINVAL },
  { what: 'a cache request', request: { command: 5, length: B }, error: EINVAL },
])('$what gets the error $error, and the session goes on', async ({ request, payload = 0, error }) => {
  const { client, disk } = await served();
  const raw = await client();
  await raw.greet();
  await raw.option(7, infoRequest('vol-1'));
  raw.request(request);
  raw.send(Buffer.alloc(payload, 0x25));
  expect(await raw.simple()).toBe(error);
  raw.request({ command: READ, offset: B, length: 8 });
  expect(await raw.simple()).toBe(0);
  expect(await raw.receive(8)).toEqual(Buffer.from(disk.content.subarray(B, B + 8)));
});

test.each([
  { what: 'beyond the end', offset: 60 * B - 4, length: 5 },
  { what: 'far beyond the end', offset: 2n ** 64n - 1n, length: 1 },
  { what: 'more than 32 MiB', offset: 0, length: 2 ** 25 + 1 },
  { what: 'with an unknown flag', offset: 0, length: 8, flags: 1 << 9 },
])('a read $what is EINVAL', async ({ offset, length, flags = 0 }) => {
  const { client } = await served();
  const raw = await chosen(await client());
  raw.request({ command: READ, offset, length, flags });
  const [chunk] = await raw.chunks();
  expect(chunk?.type).toBe(2 ** 15 + 1);
  expect(chunk?.payload.readUInt32BE()).toBe(EINVAL);
});

test('block status without a selected context is EINVAL; contexts of another export do not count', async () => {
  const { client } = await served();
  const raw = await client();
  await raw.greet();
  expect((await raw.option(10, contextRequest('vol-1', 'base:allocation'))).at(-1)?.kind).toBe(2 ** 31 + 3);
  await raw.option(8);
  await raw.option(10, contextRequest('vol-2', 'base:allocation'));
  await raw.option(7, infoRequest('vol-1'));
  raw.request({ command: BLOCK_STATUS, length: B });
  expect((await raw.chunks())[0]?.payload.readUInt32BE()).toBe(EINVAL);
});

test.each([
  { what: 'unknown', option: 77, data: Buffer.alloc(9), kind: 2 ** 31 + 1 },
  { what: 'TLS', option: 5, data: Buffer.alloc(0), kind: 2 ** 31 + 1 },
  { what: 'a list with data', option: 3, data: Buffer.alloc(1), kind: 2 ** 31 + 3 },
  { what: 'a name beyond its option', option: 7, data: u32(4000), kind: 2 ** 31 + 3 },
  { what: 'an abort', option: 2, data: Buffer.alloc(0), kind: 1 },
])('an option that is $what is answered', async ({ option, data, kind }) => {
  const { client } = await served();
  const raw = await client();
  await raw.greet();
  expect((await raw.option(option, data)).map((reply) => reply.kind)).toEqual([kind]);
});

test('many requests at once are all answered, each with its cookie', async () => {
  const { client, disk } = await served();
  const raw = await client();
  await raw.greet();
  await raw.option(7, infoRequest('vol-1'));
  const offsets = Array.from({ length: 200 }, (_, i) => (i * 977) % (50 * B));
  raw.send(
    Buffer.concat(
      offsets.map((offset, i) => encodeRawRequest({ command: READ, offset, length: 64, cookie: BigInt(i) })),
    ),
  );
  for (let left = offsets.length; left > 0; left--) {
    const head = await raw.receive(16);
    const offset = offsets[Number(head.readBigUInt64BE(8))] ?? -1;
    expect(await raw.receive(64)).toEqual(Buffer.from(disk.content.subarray(offset, offset + 64)));
  }
});

test('a client that leaves in the middle takes nothing away from another', async () => {
  const { client, disk, server } = await served();
  const [leaving, staying] = [await chosen(await client()), await chosen(await client())];
  const opened = Promise.withResolvers<void>();
  disk.gate = opened.promise;
  leaving.request({ command: READ, offset: B, length: 20 * B });
  staying.request({ command: READ, offset: B, length: 2 * B });
  leaving.leave();
  await vi.waitFor(() => expect(server.clients).toBe(2));
  opened.resolve();
  expect(assemble(await staying.chunks(), { offset: B, length: 2 * B }).data).toEqual(
    Buffer.from(disk.content.subarray(B, 3 * B)),
  );
  await vi.waitFor(() => expect(server.clients).toBe(1));
});

test('garbage at any byte ends that client alone, with a reason', async () => {
  const { client, refused, disk } = await served();
  const random = seededBytes('nbd garbage');
  const valid = Buffer.concat([
    u32(3),
    ...[
      [8, Buffer.alloc(0)] as const,
      [10, contextRequest('vol-1', 'base:allocation')] as const,
      [7, infoRequest('vol-1', 3)] as const,
    ].flatMap(([option, data]) => [Buffer.from('IHAVEOPT'), u32(option), u32(data.length), data]),
    encodeRawRequest({ command: READ, offset: B, length: B }),
    encodeRawRequest({ command: BLOCK_STATUS, offset: 0, length: 5 * B }),
  ]);
  for (let at = 0; at < valid.length; at += 3) {
    const raw = await client();
    raw.send(Buffer.concat([valid.subarray(0, at), Buffer.from(random(80))]));
    // Half of them hang up instead of waiting.
    if (at % 2 === 0) raw.leave();
    else raw.send(Buffer.alloc(200_000, 0xff));
    if (at % 2 === 1) await raw.ended();
  }
  expect(refused.length).toBeGreaterThan(10);
  expect(refused.filter((reason) => reason.startsWith('unexpected'))).toEqual([]);
  const raw = await chosen(await client());
  raw.request({ command: READ, offset: B, length: B });
  expect(assemble(await raw.chunks(), { offset: B, length: B }).data).toEqual(
    Buffer.from(disk.content.subarray(B, 2 * B)),
  );
});

test('closing sends clients away, whatever they wait for, and takes the socket with it', async () => {
  const { client, disk, server } = await served();
  const raw = await chosen(await client());
  disk.gate = new Promise(() => {});
  const idle = await client();
  await idle.greet();
  raw.request({ command: 3 });
  await raw.chunks();
  await server.close();
  await Promise.all([raw.ended(), idle.ended()]);
  const { place } = server;
  await expect(stat('socketPath' in place ? place.socketPath : '')).rejects.toThrow('ENOENT');
});

test('a port of the loopback serves as well', async () => {
  const { client, server } = await served({ place: { port: 0 } });
  expect(server.place).toEqual({ port: expect.any(Number) });
  await chosen(await client());
});

test('only the owner may connect to the socket; a place that is taken is refused by name, a left-over is not', async () => {
  const folder = await temporaryFolder();
  const socketPath = join(folder, 'taken');
  const first = await served({ place: { socketPath } });
  expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
  await expect(served({ place: { socketPath } })).rejects.toThrow(/cannot listen at .*taken.*name another place/);
  await chosen(await first.client());
  await writeFile(join(folder, 'file'), 'precious');
  await expect(served({ place: { socketPath: join(folder, 'file') } })).rejects.toThrow('cannot listen');
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe('precious');
  const dead = join(folder, 'dead');
  const killed = `require('net').createServer().listen(${JSON.stringify(dead)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', killed]);
  expect((await stat(dead)).isSocket()).toBe(true);
  const next = await served({ place: { socketPath: dead } });
  await chosen(await next.client());
});
