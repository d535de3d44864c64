import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { AgentPort } from '../../src/appliance/agent-port.ts';
import { createApplianceTree } from '../../src/appliance/appliance-tree.ts';
import { STATX_BYTES } from '../../src/appliance/statx.ts';
import type { FileTree } from '../../src/disk/tree/file-tree.ts';
import { walkTree } from '../../src/disk/tree/walk-tree.ts';
import { isSound } from './is-sound.ts';
import { mutateBytes } from './mutate-bytes.ts';
import type { FuzzTarget } from './targets.ts';

const NEVER = new AbortController().signal;
const FOLDER_MODE = 0o040755;
const FILE_MODE = 0o100644;
const FILE_BYTES = 9;

/** The reader's machine after a hostile file system has taken it over: whatever it says next, and then it is gone. */
export function agentTarget(): FuzzTarget {
  const said = conversation();
  return {
    name: 'answers of the reader of other file systems',
    input: (random) => mutateBytes(said, random),
    async accepts(input) {
      const port = new AgentPort(saying(input));
      const facts = { kind: 'xfs', notices: [], mount: '/m0', root: statx(FOLDER_MODE), close: async () => {} };
      try {
        return await askEverything(createApplianceTree(port, facts));
      } finally {
        port.close();
      }
    },
  };
}

/** True when nothing was damaged. */
async function askEverything(tree: FileTree): Promise<boolean> {
  let isWhole = true;
  for await (const { entry } of walkTree(tree, { from: tree.root, path: '/' }, NEVER)) {
    if (!entry) isWhole = false;
    else if (entry.kind !== 'folder') isWhole = (await isSound(readWhole(tree, entry))) && isWhole;
  }
  isWhole = (await isSound(tree.find(tree.root, 'note', NEVER))) && isWhole;
  return isWhole;
}

async function readWhole(tree: FileTree, entry: Parameters<FileTree['read']>[0]): Promise<void> {
  await tree.xattrs(entry, NEVER);
  for await (const _ of tree.extents(entry, NEVER));
  await tree.read(entry, 0, Math.min(entry.size, FILE_BYTES), NEVER);
  await tree.readLink(entry, NEVER);
}

/** What an honest agent answers to askEverything, one reply after the other (agent.pl). */
function conversation(): Buffer {
  const file = statx(FILE_MODE, FILE_BYTES);
  const [from, to] = [Buffer.alloc(8), Buffer.alloc(8)];
  to.writeBigUInt64BE(BigInt(FILE_BYTES));
  const replies: readonly (readonly Uint8Array[])[] = [
    [sized(2, Buffer.from('note')), Buffer.of(1), file],
    [sized(2, Buffer.from('user.x')), sized(4, Buffer.from('value'))],
    [from, to],
    [Buffer.alloc(FILE_BYTES, 'x')],
    [Buffer.from('target')],
    [file],
  ];
  return Buffer.concat(replies.map((parts) => Buffer.concat([sized(4, Buffer.concat([Buffer.of(0), ...parts]))])));
}

function sized(lengthBytes: number, bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(bytes.length, 0, lengthBytes);
  return Buffer.concat([length, bytes]);
}

function statx(mode: number, size = 0): Buffer {
  const facts = Buffer.alloc(STATX_BYTES);
  facts.writeUInt16LE(mode, 28);
  facts.writeBigUInt64LE(BigInt(mode), 32); // the inode: another one for each
  facts.writeBigUInt64LE(BigInt(size), 40);
  return facts;
}

/** All of it at once and then the end, whatever is asked. */
function saying(bytes: Uint8Array): Socket {
  const stream = new Duplex({
    read() {
      this.push(bytes);
      this.push(null);
    },
    write: (_chunk, _encoding, done) => done(),
  });
  stream.on('end', () => stream.destroy());
  return stream as Socket;
}
