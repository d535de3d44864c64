/**
 * A mover of its own, for measuring memory: archives `mebibytes` of incompressible blocks into the vault at `url` and
 * prints its largest resident size. `node vault-mover.ts <url> <key file> <mebibytes>`
 */
import { hash } from 'node:crypto';
import { BLOCK_BYTES, type BlockSource } from '../../src/vault/block-source.ts';
import {
  archiveShard,
  beginRun,
  countShards,
  initVault,
  openKeyService,
  openStore,
  openVault,
  systemClock,
  systemRandomBytes,
} from '../../src/vault/index.ts';
import { readPeakMebibytes } from './peak-memory.ts';
import { noise } from './vault-volume.ts';

const [url = '', keyFile = '', mebibytes = '0'] = process.argv.slice(2);
const signal = new AbortController().signal;
const store = openStore(url, { clock: systemClock });
const keys = openKeyService(`file://${keyFile}`, { randomBytes: systemRandomBytes });
const request = { store, keys, clock: systemClock, randomBytes: systemRandomBytes, signal };
await initVault(request);
const vault = await openVault({ ...request, roles: ['data', 'meta'] });

const volumeBytes = Number(mebibytes) << 20;
const base = noise('mover');
const source: BlockSource = {
  volumeBytes,
  async *blocks({ from, to }) {
    for (let index = from; index < to; index++) yield { index, token: '' };
  },
  changedSince: async () => 'unrelated',
  // As a real source does: into the room it is given, hashed when it has arrived.
  async read({ index }, _, room = new Uint8Array(BLOCK_BYTES)) {
    room.set(base);
    new DataView(room.buffer, room.byteOffset).setUint32(0, index);
    hash('sha256', room, 'buffer');
    return room;
  },
};
const runId = '20261123T023107Z-9f2c0001';
const started = performance.now();
await beginRun({
  vault,
  session: {
    runId,
    startedAt: new Date().toISOString(),
    toolVersion: 'test',
    source: { platform: 'ec2', machineId: 'i-1' },
    workflow: { workflowId: 'w', temporalRunId: 't' },
    volumes: [{ volumeId: 'vol-1', volumeBytes }],
    candidateParents: [],
  },
  signal,
});
for (let shard = 0; shard < countShards(volumeBytes, 1); shard++) {
  await archiveShard({ vault, runId, volumeId: 'vol-1', shard, shardSegments: 1, source, signal });
}
await vault.close();
const seconds = (performance.now() - started) / 1000;
// Not `resourceUsage().maxRSS`: that remembers the process which started this one, too.
const rssMebibytes = await readPeakMebibytes(process.pid);
process.stdout.write(`${JSON.stringify({ rssMebibytes, blocks: volumeBytes / BLOCK_BYTES, seconds })}\n`);
