import { setTimeout as wait } from 'node:timers/promises';
import { restartFrugally } from '../../src/cli/frugal-process.ts';
import { createEc2Platform } from '../../src/platforms/ec2/platform.ts';
import { openImage } from '../../src/vault/image/open-image.ts';
import {
  archiveShard,
  BLOCK_BYTES,
  type BlockSource,
  beginRun,
  countShards,
  MAX_SHARD_SEGMENTS,
  openKeyService,
  openStore,
  openVault,
  systemClock,
  systemRandomBytes,
  type Vault,
} from '../../src/vault/index.ts';
import type { CarryOrder } from './carry-order.ts';

/** The mover's own number (vault/seal-blocks.ts). */
const READS_AT_ONCE = 32;
const VOLUME_ID = 'vol-bench';

const signal = new AbortController().signal;

/** Does one part and prints how long the work itself took, without the start of the process. */
async function main(order: CarryOrder): Promise<void> {
  const source = order.part === 'seal' ? (await openImage(order.image, signal)).source : await openEbs(order);
  const started = performance.now();
  if (order.part === 'read') await readAll(source);
  else await archive(source, order);
  process.stdout.write(JSON.stringify({ seconds: (performance.now() - started) / 1000 }));
}

function openEbs({ run, snapshotId }: CarryOrder): Promise<BlockSource> {
  const platform = createEc2Platform({
    clock: () => new Date(),
    sleep: (ms, ours) => wait(ms, undefined, { signal: ours }),
    log: () => undefined,
  });
  return platform.openSource(run, snapshotId, signal);
}

async function readAll(source: BlockSource): Promise<void> {
  const blocks = Math.ceil(source.volumeBytes / BLOCK_BYTES);
  const listing = source.blocks({ from: 0, to: blocks }, signal)[Symbol.asyncIterator]();
  // As in an archive: into memory that is there already.
  const reader = async () => {
    const room = new Uint8Array(BLOCK_BYTES);
    for (let next = await listing.next(); !next.done; next = await listing.next())
      await source.read(next.value, signal, room);
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, reader));
}

async function archive(source: BlockSource, { part, run, vault: { url, kmsKeyId } }: CarryOrder): Promise<void> {
  const opened = await openVault({
    store: openStore(url, { clock: systemClock }),
    keys: openKeyService(`kms:${kmsKeyId}`, { randomBytes: systemRandomBytes }),
    roles: ['data', 'meta'],
    clock: systemClock,
    randomBytes: systemRandomBytes,
    signal,
  });
  const vault = part === 'seal' ? withoutPacks(opened) : opened;
  const { runId } = run;
  const session = {
    runId,
    startedAt: new Date().toISOString(),
    toolVersion: 'bench',
    source: { platform: 'bench', machineId: run.sourceId },
    workflow: { workflowId: run.workflowId, temporalRunId: run.temporalRunId },
    volumes: [{ volumeId: VOLUME_ID, volumeBytes: source.volumeBytes }],
    candidateParents: [],
  };
  await beginRun({ vault, session, signal });
  const shardSegments = MAX_SHARD_SEGMENTS;
  for (let shard = 0; shard < countShards(source.volumeBytes, shardSegments); shard++) {
    await archiveShard({ vault, runId, volumeId: VOLUME_ID, shard, shardSegments, source, signal });
  }
  await vault.close();
}

/** What a store costs is not what sealing costs. */
function withoutPacks(vault: Vault): Vault {
  const { store } = vault;
  const create: typeof store.create = (key, ...rest) =>
    key.endsWith('.pack') ? Promise.resolve() : store.create(key, ...rest);
  return { ...vault, store: { ...store, create } };
}

// A mover does so, too.
restartFrugally(process.env);
await main(JSON.parse(process.argv[2] ?? '{}'));
