import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { AgentPort } from '../../../src/appliance/agent-port.ts';
import { createApplianceTree } from '../../../src/appliance/appliance-tree.ts';
import { walkTree } from '../../../src/disk/tree/walk-tree.ts';
import { DiskError } from '../../../src/errors.ts';
import { NEVER, temporaryFolder } from '../../support/vault-fixture.ts';
import { seededBytes } from '../../support/vault-random.ts';

/** A port whose other end answers each request with `reply`, whatever was asked. */
async function portTo(
  reply: (socket: Socket) => void,
  limits?: ConstructorParameters<typeof AgentPort>[1],
): Promise<AgentPort> {
  const path = join(await temporaryFolder(), 's');
  const server = createServer((socket) => socket.on('error', () => {}).on('data', () => reply(socket)));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const socket = connect(path);
  onTestFinished(() => {
    socket.destroy();
    server.close();
  });
  return new AgentPort(socket, limits);
}

function framed(status: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + payload.length);
  head[4] = status;
  return Buffer.concat([head, payload]);
}

/** Facts of a folder, or of a file of that size. */
function statx(mode: number, size = 0): Buffer {
  const bytes = Buffer.alloc(256);
  bytes.writeUInt16LE(mode, 28);
  bytes.writeBigUInt64LE(BigInt(size), 40);
  return bytes;
}

const treeOver = (port: AgentPort) =>
  createApplianceTree(port, { kind: 'xfs', notices: [], mount: '/m0', root: statx(0o040755), close: async () => {} });

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function outcome(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'answered';
  } catch (error) {
    return error instanceof DiskError ? error.code : `bug: ${String(error)}`;
  }
}

test('whatever an agent answers gives entries or UnreadableDisk, for every question', async () => {
  const random = seededBytes('lying agent');
  const port = await portTo((socket) => {
    const [kind = 0, length = 0] = random(2);
    const payload = Buffer.concat([Buffer.from(random(length)), kind % 3 === 0 ? statx(0o100644, 9) : Buffer.alloc(0)]);
    socket.write(framed(kind % 2 === 0 ? 0 : 2, payload));
  });
  const tree = treeOver(port);
  // Its root as a file of 9 bytes, so that every question can be asked of it.
  Object.assign(tree.root, { size: 9 });
  const outcomes = new Set<string>();
  for (let round = 0; round < 150; round++) {
    outcomes.add(await outcome(async () => collect(tree.list(tree.root, NEVER))));
    outcomes.add(await outcome(() => tree.find(tree.root, 'name', NEVER)));
    outcomes.add(await outcome(() => tree.xattrs(tree.root, NEVER)));
    outcomes.add(await outcome(() => tree.readLink(tree.root, NEVER)));
    outcomes.add(await outcome(() => tree.read(tree.root, 0, 9, NEVER)));
    outcomes.add(await outcome(async () => collect(tree.extents(tree.root, NEVER))));
  }
  expect([...outcomes].sort()).toEqual(['UnreadableDisk', 'answered']);
});

test.each([
  { what: 'claims more bytes than it may', reply: Buffer.from('ffffffff00', 'hex'), message: /answers with \d+ bytes/ },
  { what: 'ends', reply: undefined, message: /its machine ended/ },
])('an agent that $what stops the reader with a reason', async ({ reply, message }) => {
  const port = await portTo((socket) => (reply ? socket.write(reply) : socket.destroy()));
  const tree = treeOver(port);
  const failing = tree.find(tree.root, 'x', NEVER);
  await expect(failing).rejects.toMatchObject({ code: 'UnreadableDisk', message: expect.stringMatching(message) });
});

test('names with a slash are damage, so that nothing is written outside of where it belongs', async () => {
  const name = Buffer.from('../../etc/passwd');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(name.length);
  const port = await portTo((socket) =>
    socket.write(framed(0, Buffer.concat([length, name, Buffer.of(1), statx(0o100644)]))),
  );
  const tree = treeOver(port);
  expect(await collect(tree.list(tree.root, NEVER))).toEqual([
    { name: '', damage: 'a name holds a slash or a zero byte' },
  ]);
});

test('folders of two subvolumes are two, although a btrfs gives both the same number', async () => {
  // The first folder of every subvolume is 256; the kernel tells them apart by a device of their own.
  const folderOn = (device: number) => {
    const facts = statx(0o040755);
    facts.writeBigUInt64LE(256n, 32);
    facts.writeUInt32LE(device, 140);
    return facts;
  };
  const item = (name: string, facts: Buffer) =>
    Buffer.concat([Buffer.of(0, name.length), Buffer.from(`${name}\x01`), facts]);
  const replies = [Buffer.concat([item('home', folderOn(41)), item('root', folderOn(42))]), Buffer.of(), Buffer.of()];
  const port = await portTo((socket) => socket.write(framed(0, replies.shift() ?? Buffer.of())));
  const facts = { kind: 'btrfs', notices: [], mount: '/m0', root: folderOn(40), close: async () => {} };
  const tree = createApplianceTree(port, facts);
  const walked = await collect(walkTree(tree, { from: tree.root, path: '/' }, NEVER));
  expect(walked.map(({ path, damage }) => [path, damage])).toEqual([
    ['/', undefined],
    ['/home', undefined],
    ['/root', undefined],
  ]);
  expect(new Set(walked.map(({ entry }) => entry?.inode)).size).toBe(3);
});

test('questions asked at once are answered one after the other, and each gets its own answer', async () => {
  let asked = 0;
  const port = await portTo((socket) => socket.write(framed(0, Buffer.from(`target ${asked++}`))));
  const tree = treeOver(port);
  const answers = await Promise.all(Array.from({ length: 5 }, () => tree.readLink(tree.root, NEVER)));
  expect(answers).toEqual(['target 0', 'target 1', 'target 2', 'target 3', 'target 4']);
});

test('an agent that answers too late is asked no more: its answer would pass for that to the next request', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const asked = Promise.withResolvers<Socket>();
  const tree = treeOver(await portTo((socket) => asked.resolve(socket)));
  const first = outcome(() => tree.readLink(tree.root, NEVER));
  const socket = await asked.promise;
  await vi.advanceTimersByTimeAsync(120_000);
  expect(await first).toBe('UnreadableDisk');
  socket.write(framed(0, Buffer.from('target of the first')));
  const next = tree.readLink(tree.root, NEVER);
  await expect(next).rejects.toMatchObject({ code: 'UnreadableDisk', message: expect.stringContaining('not answer') });
});

/** Sends it again and again, as fast as the other end takes it; resolves when `most` bytes were taken, or that end is gone. */
async function flood(socket: Socket, piece: Buffer, most = Number.POSITIVE_INFINITY): Promise<void> {
  for (let taken = 0; taken < most && socket.writable; taken += piece.length) {
    if (!socket.write(piece)) await once(socket, 'drain').catch(() => {});
  }
}

test.each([
  { what: 'large', replies: framed(1, Buffer.alloc(1 << 20)) },
  { what: 'empty', replies: Buffer.concat(Array.from({ length: 10_000 }, () => framed(1, Buffer.of()))) },
])('an agent whose answer of $what replies never ends does not fill the memory', async ({ replies }) => {
  const tree = treeOver(await portTo((socket) => void flood(socket, replies), { mostAnswerBytes: 8 << 20 }));
  const listing = collect(tree.list(tree.root, NEVER));
  await expect(listing).rejects.toMatchObject({ message: expect.stringContaining('more than 8388608 bytes') });
});

test('what an agent sends unasked waits in its machine', async () => {
  let flooding: Promise<void> | undefined;
  const port = await portTo((socket) => {
    socket.write(framed(0, Buffer.from('target')));
    flooding = flood(socket, Buffer.alloc(1 << 20), 64 << 20);
  });
  const tree = treeOver(port);
  expect(await tree.readLink(tree.root, NEVER)).toBe('target');
  expect(await Promise.race([flooding?.then(() => 'all was taken'), wait(500)])).toBeUndefined();
});
