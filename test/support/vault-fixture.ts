import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/vault/clock.ts';
import { createFileKeyService } from '../../src/vault/file/file-keys.ts';
import {
  archiveShard,
  beginRun,
  type ChangeHints,
  commitPoint,
  finishVolume,
  initVault,
  openParentVolume,
  openVault,
} from '../../src/vault/index.ts';
import type { KeyService, RootPurpose } from '../../src/vault/key-service.ts';
import type { LockPolicy } from '../../src/vault/lock-policy.ts';
import type { MachineFacts, Manifest, ManifestDraft } from '../../src/vault/manifest.ts';
import type { ObjectStore } from '../../src/vault/object-store.ts';
import { countShards } from '../../src/vault/parameters.ts';
import type { Session } from '../../src/vault/session.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { sharedThreads } from './shared-threads.ts';
import { seededBytes } from './vault-random.ts';
import type { TestVolume } from './vault-volume.ts';

export const NEVER = new AbortController().signal;
export const RUN_ID = '20261123T023107Z-9f2c0001';
export const VERIFY_RUN_ID = '20261123T030000Z-9f2c0002';
export const NOW = '2026-11-23T02:31:07.412Z';

export const fixedClock: Clock = { now: () => new Date(NOW), sleep: async () => {} };

/** A fresh folder, gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'understudy-vault-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function testKeys(): Promise<KeyService> {
  const path = join(await temporaryFolder(), 'key');
  await writeFile(path, `${'42'.repeat(32)}\n`);
  return createFileKeyService(path, seededBytes('keys'));
}

export const MOVER: readonly RootPurpose[] = ['data', 'meta'];
export const CONTROL: readonly RootPurpose[] = ['meta', 'control'];

export interface VaultRequest {
  readonly store: ObjectStore;
  readonly keys: KeyService;
  readonly roles?: readonly RootPurpose[];
  readonly seed?: string;
  readonly lock?: LockPolicy;
  readonly clock?: Clock;
}

/** An open vault in the store, made if there is none. */
export async function testVault(wanted: VaultRequest): Promise<Vault> {
  const { store, keys, roles = MOVER, seed = 'vault', clock = fixedClock, lock } = wanted;
  const request = { store, keys, clock, randomBytes: seededBytes(seed), signal: NEVER, ...(lock && { lock }) };
  await initVault(request);
  return openVault({ ...request, roles, threads: sharedThreads() });
}

export function testSession(
  volumes: Readonly<Record<string, TestVolume>>,
  runId = RUN_ID,
  parents: readonly string[] = [],
): Omit<Session, 'epoch'> {
  return {
    runId,
    startedAt: NOW,
    toolVersion: '0.1.0',
    source: { platform: 'ec2', machineId: 'i-0123456789abcdef0' },
    workflow: { workflowId: 'instance-backup/000000000000/local-1/i-0123456789abcdef0', temporalRunId: 'temporal-1' },
    volumes: Object.entries(volumes).map(([volumeId, { volumeBytes }]) => ({ volumeId, volumeBytes })),
    candidateParents: parents.map((pointId) => ({ pointId })),
  };
}

export type TestVolumes = Readonly<Record<string, TestVolume>>;

export interface BackUpOptions {
  readonly runId?: string;
  readonly shardSegments?: number;
  readonly parent?: Manifest;
  /** By volume. */
  readonly changed?: Readonly<Record<string, ChangeHints>>;
  readonly onParentDamage?: (reason: string) => void;
  /** Agents' output alone. */
  readonly outputOnly?: true;
  /** Beside the machine's own facts. */
  readonly facts?: MachineFacts['facts'];
}

/** A whole backup as the workflow does it: session, shards, maps, commit. */
export async function backUp(vault: Vault, volumes: TestVolumes, options: BackUpOptions = {}): Promise<Manifest> {
  const { runId = RUN_ID, parent } = options;
  await beginRun({ vault, session: testSession(volumes, runId, parent ? [parent.pointId] : []), signal: NEVER });
  const draft = await archiveAll(vault, volumes, options);
  return commitPoint({ vault, draft, signal: NEVER });
}

export async function archiveAll(
  vault: Vault,
  volumes: TestVolumes,
  options: BackUpOptions = {},
): Promise<ManifestDraft> {
  const { runId = RUN_ID, shardSegments = 1, parent, onParentDamage } = options;
  const done: ManifestDraft['volumes'] = [];
  const parents: ManifestDraft['parents'] = [];
  for (const [volumeId, source] of Object.entries(volumes)) {
    const map = parent?.volumes.find((volume) => volume.volumeId === volumeId)?.map;
    const base = {
      ...(parent &&
        map && {
          parent: await openParentVolume({ vault, pointId: parent.pointId, volumeId, map, signal: NEVER }),
          changed: options.changed?.[volumeId],
          onParentDamage,
        }),
    };
    if (parent && map) parents.push({ volumeId, pointId: parent.pointId, mapId: map.mapId });
    for (let shard = 0; shard < countShards(source.volumeBytes, shardSegments); shard++) {
      await archiveShard({ vault, runId, volumeId, shard, shardSegments, source, signal: NEVER, ...base });
    }
    const { volumeBytes } = source;
    const request = { vault, runId, volumeId, volumeBytes, shardSegments, signal: NEVER };
    const finished = await finishVolume({ ...request, ...('parent' in base && { parent: base.parent }) });
    const role = options.outputOnly ? 'agent-output' : 'machine';
    done.push({ ...volumeFacts(volumeId, volumeBytes), role, map: finished });
  }
  const { machine, ...draft } = draftFacts(runId);
  return { ...draft, machine: { ...machine, facts: { ...machine.facts, ...options.facts } }, volumes: done, parents };
}

function volumeFacts(volumeId: string, volumeBytes: number) {
  return {
    volumeId,
    role: 'machine',
    deviceName: '/dev/xvda',
    root: true,
    volumeBytes,
    type: 'gp3',
    iops: 3000,
    throughput: 125,
    encrypted: true,
    kmsKeyId: null,
    tags: {},
    changes: null,
  } as const;
}

function draftFacts(pointId: string): Omit<ManifestDraft, 'volumes'> {
  return {
    pointId,
    toolVersion: '0.1.0',
    method: 'stop-and-snapshot',
    workflow: { workflowId: 'w', temporalRunId: 't' },
    plan: null,
    machine: {
      platform: 'ec2',
      machineId: 'i-0123456789abcdef0',
      account: '000000000000',
      region: 'local-1',
      zone: 'local-1a',
      name: 'shop database',
      type: 'm6i.large',
      architecture: 'x86_64',
      bootMode: 'uefi',
      rootDeviceName: '/dev/xvda',
      imageId: 'ami-1',
      tags: { Name: 'shop database' },
      addresses: ['10.0.0.10'],
      facts: { enaSupport: true },
    },
    capture: {
      capturedAt: NOW,
      requestedAt: NOW,
      memory: null,
      snapshots: [],
      cloneId: 'i-clone',
      cloneSnapshots: [],
    },
    consistency: { atLeast: 'clean-shutdown', disks: 'clean-shutdown', agents: {}, proofs: [] },
    evidence: [],
    acceptedWarnings: [],
    parents: [],
    retention: { mode: 'none', retainUntil: null, keepUntil: null },
  };
}
