import { createHash } from 'node:crypto';
import { BLOCK_BYTES, type BlockSource } from '../../../src/vault/block-source.ts';
import type { ChangeSetRef, EvidenceRef, MapRef } from '../../../src/vault/fields.ts';
import type { ManifestDraft } from '../../../src/vault/manifest.ts';
import type { ArchivedVolume } from '../../../src/vault/open-volume.ts';
import type { Session } from '../../../src/vault/session.ts';

/** What the golden vault holds. */
export const POINT_ID = '20260101T000000Z-601d0001';
export const VERIFY_RUN_ID = '20260101T010000Z-601d0002';
export const TIME = '2026-01-01T00:00:00.000Z';

export function seeded(seed: string): (bytes: number) => Uint8Array {
  let counter = 0;
  return (bytes) => Uint8Array.from(createHash('shake256', { outputLength: bytes }).update(`${seed} ${counter++}`).digest());
}

interface GoldenVolume extends BlockSource {
  /** Of the whole raw image, holes as zeros. */
  sha256(): string;
}

/** A volume of two segments with text, noise, written zeros and holes, and one that is a hole altogether. */
export function goldenVolumes(): ReadonlyMap<string, GoldenVolume> {
  const noise = seeded('golden noise');
  const lines = (line: string) => new Uint8Array(Buffer.alloc(BLOCK_BYTES, `${line}\n`));
  const written = new Map<number, Uint8Array>([
    [0, lines('first block')],
    [1, new Uint8Array(BLOCK_BYTES)],
    [3, noise(BLOCK_BYTES)],
    [8191, lines('last block of the first segment')],
    [8194, lines('last block of all')],
  ]);
  return new Map([
    ['vol-0aaaaaaaaaaaaaaaa', volume(8195, written)],
    ['vol-0bbbbbbbbbbbbbbbb', volume(2, new Map())],
  ]);
}

function volume(blocks: number, written: ReadonlyMap<number, Uint8Array>): GoldenVolume {
  const zeros = new Uint8Array(BLOCK_BYTES);
  return {
    volumeBytes: blocks * BLOCK_BYTES,
    async *blocks({ from, to }) {
      for (const index of written.keys()) if (index >= from && index < to) yield { index, token: '' };
    },
    changedSince: async () => 'unrelated',
    read: async ({ index }) => Uint8Array.from(written.get(index) ?? zeros),
    sha256() {
      const hash = createHash('sha256');
      for (let index = 0; index < blocks; index++) hash.update(written.get(index) ?? zeros);
      return hash.digest('hex');
    },
  };
}

/** Indexes of blocks that differ from what the vault was made of; a block that neither of them holds is a hole in both. */
export async function differencesFrom(made: BlockSource, archived: ArchivedVolume): Promise<number[]> {
  const { signal } = new AbortController();
  const everything = { from: 0, to: made.volumeBytes / BLOCK_BYTES };
  const wanted = new Map<number, Uint8Array>();
  for await (const ref of made.blocks(everything, signal)) wanted.set(ref.index, await made.read(ref, signal));
  const different: number[] = [];
  const zeros = new Uint8Array(BLOCK_BYTES);
  for await (const { index, bytes } of archived.blocks(everything, signal)) {
    if (Buffer.compare(bytes, wanted.get(index) ?? zeros) !== 0) different.push(index);
    wanted.delete(index);
  }
  for (const [index, bytes] of wanted) if (Buffer.compare(bytes, zeros) !== 0) different.push(index);
  return archived.volumeBytes === made.volumeBytes ? different : [...different, everything.to];
}

export function goldenSession(): Omit<Session, 'epoch'> {
  return {
    runId: POINT_ID,
    startedAt: TIME,
    toolVersion: '0.1.0',
    source: { platform: 'ec2', machineId: 'i-0cccccccccccccccc' },
    workflow: { workflowId: 'instance-backup/000000000000/local-1/i-0cccccccccccccccc', temporalRunId: 'golden' },
    volumes: [...goldenVolumes()].map(([volumeId, { volumeBytes }]) => ({ volumeId, volumeBytes })),
    candidateParents: [],
  };
}

interface Archived {
  readonly maps: ReadonlyMap<string, MapRef>;
  readonly changes: ChangeSetRef;
  readonly evidence: EvidenceRef;
}

export function goldenDraft({ maps, changes, evidence }: Archived): ManifestDraft {
  return {
    pointId: POINT_ID,
    toolVersion: '0.1.0',
    method: 'stop-and-snapshot',
    workflow: goldenSession().workflow,
    plan: null,
    machine: {
      platform: 'ec2',
      machineId: 'i-0cccccccccccccccc',
      account: '000000000000',
      region: 'local-1',
      zone: 'local-1a',
      name: 'golden machine',
      type: 'm6i.large',
      architecture: 'x86_64',
      bootMode: 'uefi',
      rootDeviceName: '/dev/xvda',
      imageId: null,
      tags: { Name: 'golden machine', note: 'quotes " and ünïcode' },
      addresses: ['10.0.0.10'],
      facts: { enaSupport: true, cpuCores: 1, kernelId: null },
    },
    capture: {
      capturedAt: TIME,
      requestedAt: TIME,
      memory: null,
      snapshots: [{ volumeId: 'vol-0aaaaaaaaaaaaaaaa', snapshotId: 'snap-1' }],
      cloneId: 'i-0dddddddddddddddd',
      cloneSnapshots: [{ volumeId: 'vol-0aaaaaaaaaaaaaaaa', snapshotId: 'snap-2' }],
    },
    volumes: [...goldenVolumes()].map(([volumeId, { volumeBytes }], i) => {
      const map = maps.get(volumeId);
      if (!map) throw new Error(`no map of ${volumeId}`);
      const device = { role: 'machine', deviceName: i === 0 ? '/dev/xvda' : '/dev/sdf', root: i === 0 } as const;
      const facts = { type: 'gp3', iops: 3000, throughput: 125, encrypted: true, kmsKeyId: null, tags: {} };
      return { volumeId, volumeBytes, ...device, ...facts, map, changes: i === 0 ? changes : null };
    }),
    consistency: {
      atLeast: 'clean-shutdown',
      disks: 'clean-shutdown',
      agents: {},
      proofs: [{ name: 'guest powered itself off', verdict: 'proven', text: 'Client.InstanceInitiatedShutdown' }],
    },
    evidence: [evidence],
    acceptedWarnings: [],
    parents: [],
    retention: { mode: 'none', retainUntil: null, keepUntil: null },
  };
}
