import type { VolumeArchive } from '../../src/activities/archive.ts';
import type { ControlActivities } from '../../src/activities/control.ts';
import type { MoverActivities } from '../../src/activities/mover.ts';
import type { PointFacts } from '../../src/activities/point.ts';
import { outputVolume } from '../../src/contract/agent-output.ts';
import type { BootReport, ConsistencyVerdict } from '../../src/contract/evidence.ts';
import type { MachineFacts, OwnMachine, SnapshotFacts } from '../../src/contract/machine.ts';
import type { CheckLevel } from '../../src/contract/names.ts';
import type { IsolationProfile, Limits, ResolvedBackup } from '../../src/contract/resolved-backup.ts';
import type { CheckResult } from '../../src/contract/results.ts';

/** Ids of what the fakes speak about; the instance differs per test, because its workflow id is deterministic. */
export const VOLUMES = ['vol-0a', 'vol-0b'] as const;
const GIB = 2 ** 30;

export const LIMITS: Limits = {
  firstSignMs: 60_000,
  recoverMs: 60_000,
  shutdownMs: 60_000,
  runMs: 600_000,
  shardSegments: 1,
  scratchGiB: 1,
  agentMs: 60_000,
};

export const ISOLATION: IsolationProfile = {
  name: 'sealed',
  kind: 'sealed',
  vpcId: 'vpc-1',
  subnetId: 'subnet-1',
  verifySubnetId: 'subnet-2',
  securityGroupId: 'sg-1',
  acceptNotChecked: [],
  fallbackInstanceTypes: [],
};

export function resolvedBackup(instanceId: string, changes: Partial<ResolvedBackup> = {}): ResolvedBackup {
  return {
    instanceId,
    accountId: '000000000000',
    region: 'local-1',
    deploymentId: '6f1b2c9e-0000-4000-8000-000000000001',
    method: 'stop-and-snapshot',
    atLeast: 'clean-shutdown',
    verify: true,
    retain: { snapshots: false },
    accept: [],
    vault: 'main',
    fullReadEvery: 30,
    fileIndex: 'attributes',
    isolation: ISOLATION,
    recipes: [{ name: 'postgresql', params: {} }],
    limits: LIMITS,
    searchAttributes: true,
    ...changes,
  };
}

export function machineFacts(machineId: string): MachineFacts {
  return {
    machineId,
    accountId: '000000000000',
    region: 'local-1',
    zone: 'local-1a',
    state: 'running',
    instanceType: 't3.micro',
    networkId: 'vpc-9',
    subnetId: 'subnet-9',
    tags: { Name: 'db' },
    boot: {
      architecture: 'x86_64',
      virtualization: 'hvm',
      rootDeviceName: '/dev/sda1',
      enaSupport: true,
      platformDetails: 'Linux/UNIX',
      metadataTokens: 'required',
    },
    volumes: VOLUMES.map((volumeId, n) => ({
      volumeId,
      deviceName: `/dev/sd${'ab'[n]}`,
      bytes: GIB,
      type: 'gp3',
      encrypted: false,
      multiAttach: false,
      root: n === 0,
    })),
    uncapturedDevices: [],
    productCodes: [],
  };
}

export const CLEAN: ConsistencyVerdict = {
  disks: 'clean-shutdown',
  agents: {},
  facts: [{ name: 'postgresql recovered', verdict: 'clean', found: 'it answered before the shutdown' }],
  lowered: [],
};

/** A completed one, unencrypted. */
function completedSnapshot(
  snapshotId: string,
  { volumeId, bytes }: { readonly volumeId: string; readonly bytes: number },
) {
  const state = { state: 'completed', percent: 100, encrypted: false } as const;
  return { snapshotId, sourceVolumeId: volumeId, volumeId, bytes, ...state };
}

/** What a volume of a point was written into: encrypted, as all of ours. */
export function writtenSnapshot(volume: { readonly volumeId: string; readonly bytes: number }) {
  return { ...completedSnapshot(`snap-${volume.volumeId}`, volume), encrypted: true } as const;
}

function snapshotsOf(prefix: string): SnapshotFacts[] {
  return VOLUMES.map((volumeId) => completedSnapshot(`snap-${prefix}-${volumeId}`, { volumeId, bytes: GIB }));
}

export function scratchSnapshot(): SnapshotFacts {
  const [first] = snapshotsOf('scratch');
  if (!first) throw new RangeError('no volumes');
  return { ...first, sourceVolumeId: 'scratch' };
}

const OFF = { state: 'stopped', reasonCode: 'Client.InstanceInitiatedShutdown' } as const;
export const REPORT = {
  finished: true,
  answers: (['detect', 'recovered', 'probe'] as const).map((step) => ({
    recipe: 'postgresql',
    step,
    ok: true,
    facts: {},
  })),
};
export const NO_CONSOLE = { name: 'console', verdict: 'not-observed', found: 'no console output' } as const;

/** What a point of agents has, and a verification machine that loaded it. */
export const OUTPUT: NonNullable<PointFacts['output']> = {
  volume: outputVolume(machineFacts('i-source'), { fromGiB: 1, giB: 2 }),
  records: [
    {
      recipe: 'postgresql',
      exitStatus: 0,
      startedAt: '2026-11-23T02:31:20.000Z',
      endedAt: '2026-11-23T02:31:21.000Z',
      log: { bytes: 9, sha256: 'a'.repeat(64) },
      output: { files: 2, bytes: 20, listSha256: 'a'.repeat(64) },
      facts: { rows: 7 },
    },
  ],
};
export const LOADED: BootReport = {
  ...REPORT,
  answers: [
    ...REPORT.answers,
    ...(['output', 'load'] as const).map((step) => ({ recipe: 'postgresql', step, ok: true, facts: {} })),
  ],
};

export const NO_BASE = { base: null, readAll: 'there is no earlier point' };

export function checkResult(vault: string, level: CheckLevel): CheckResult {
  const at = '2026-11-23T05:00:00.000Z';
  return {
    ...{ checkId: '20261123T050000Z-0000000c', vault, level, verdict: 'green', startedAt: at, finishedAt: at },
    ...{ points: 1, damagedPoints: [], packs: 1, packsRead: 1, blocksRead: 8, bytesRead: 4096 },
    ...{ damage: 0, notices: 0, findings: [] },
  };
}

/** Control activities in which all goes well, unless a test says otherwise for one of them. */
export function fakeControl(changes: Partial<ControlActivities> = {}): ControlActivities {
  return {
    resolveRequest: async (input) => {
      const { instanceId, verify = true } = input as { instanceId: string; verify?: boolean };
      return resolvedBackup(instanceId, { verify });
    },
    resolveVerification: async (input) => {
      const { pointId } = input as { pointId: string };
      const { deploymentId, isolation, recipes, limits } = resolvedBackup('i-unused');
      return { pointId, vault: 'main', deploymentId, isolation, recipes, limits, searchAttributes: true };
    },
    resolveDrill: async () => ({ budgetMs: 60_000, vault: 'main', isolation: 'sealed' }),
    pickDrill: async () => [],
    hasExpired: async () => false,
    resolveRestore: async (input) => {
      const { pointId, to = 'instance' } = input as { pointId: string; to?: 'instance' | 'volumes' };
      const { deploymentId, isolation, limits } = resolvedBackup('i-unused');
      const place = { kind: 'isolated', isolation } as const;
      return { pointId, vault: 'main', to, deploymentId, place, limits, searchAttributes: true };
    },
    resolveTable: async (input) => {
      const { pointId, database, table } = input as { pointId: string; database: string; table: string };
      const { deploymentId, isolation, limits } = resolvedBackup('i-unused');
      const recipe = { name: 'postgresql', params: {} };
      const wanted = { database, table };
      return { pointId, vault: 'main', deploymentId, isolation, recipe, wanted, limits, searchAttributes: true };
    },
    resolveFiles: async (input) => {
      const { pointId, path, into } = input as { pointId: string; path: string; into: string };
      return { pointId, path, into, vault: 'main', limits: LIMITS, searchAttributes: true };
    },
    endExtractRun: async () => undefined,
    checkRestore: async () => [],
    createVolumes: async ({ volumes, sourceZone }) =>
      volumes.map(({ volumeId, bytes, type }) => ({
        sourceVolumeId: volumeId,
        volumeId: `${volumeId}-new`,
        zone: sourceZone,
        bytes,
        type,
      })),
    launchRestored: async () => ({
      machine: {
        machineId: 'i-restored',
        instanceType: 't3.micro',
        zone: 'local-1a',
        subnetId: 'subnet-2',
        volumes: {},
      },
      isolation: [],
    }),
    resolvePlan: async () => ({ plan: 'nightly', instanceIds: [], request: {}, atATime: 2, searchAttributes: true }),
    describeRunning: async () => undefined,
    preflight: async ({ run }) => ({ machine: machineFacts(run.sourceId), checks: [], increment: NO_BASE }),
    captureProduction: async () => ({ startTime: '2026-11-23T02:31:07.412Z', snapshots: snapshotsOf('capture') }),
    awaitSnapshots: async ({ snapshots }) => snapshots,
    prepareScratch: async () => ({ scratchSnapshotId: 'snap-scratch' }),
    launchMachine: async ({ role, attempt }) => ({ machine: ownMachine(role, attempt), isolation: [] }),
    retainImage: async ({ snapshots }) => ({
      imageId: 'ami-retained',
      snapshotIds: snapshots.map(({ snapshotId }) => snapshotId),
    }),
    terminateMachine: async () => undefined,
    snapshotStopped: async () => ({ disks: snapshotsOf('clone'), scratch: scratchSnapshot() }),
    awaitRecovered: async () => ({ saw: 'recovered', observation: { state: 'running' }, says: 'recovered postgresql' }),
    awaitAgents: async () => ({ saw: 'agents-ended', observation: { state: 'running' }, says: 'harvested' }),
    awaitStopped: async () => ({ saw: 'stopped', observation: OFF, says: 'powering-off' }),
    stopMachine: async () => ({ saw: 'stopped', observation: { state: 'stopped' }, says: '' }),
    readPoint: async ({ pointId }) => ({
      pointId,
      capturedAt: '2026-11-23T02:31:07.412Z',
      machine: machineFacts('i-source'),
      disks: 'clean-shutdown',
      agents: {},
      recovered: ['postgresql'],
      storedBytes: 4096,
    }),
    attestPoint: async () => undefined,
    markPoints: async () => undefined,
    resolveCheck: async (input) => ({ vault: 'main', level: 'structure', ...(input as object) }),
    removeRunResources: async () => [],
    sweepDeployment: async () => ({ runs: [], leftovers: [] }),
    expirePoints: async () => ({ kept: 2, expired: 1, pointIds: ['20261120T000000Z-00000000'] }),
    executeCollections: async () => ({ gcIds: [], removed: { objects: 0, bytes: 0 }, kept: { objects: 0, bytes: 0 } }),
    deleteVersions: async () => undefined,
    planCollection: async () => ({
      gcId: '20261123T040000Z-00000009',
      executeAfter: '2026-11-24T04:00:00.000Z',
      fenced: 0,
      keeps: {},
      deletes: { expired: { objects: 3, bytes: 1024 } },
      problems: [],
      protects: null,
    }),
    ...changes,
  };
}

export const MAP: VolumeArchive['map'] = {
  runId: '20261123T023107Z-9f2c01ab',
  mapId: '0'.repeat(64),
  mapBytes: 1,
  storedBlocks: 8,
  storedBytes: 4096,
  packs: 1,
  volumeDigest: '0'.repeat(64),
};

export function fakeMover(changes: Partial<MoverActivities> = {}): MoverActivities {
  return {
    keepEvidence: async () => [],
    photograph: async () => [],
    examineClone: async () => ({
      verdict: CLEAN,
      report: REPORT,
      console: NO_CONSOLE,
      evidence: [],
      agentFailures: [],
    }),
    examineProbe: async () => ({ report: REPORT, console: NO_CONSOLE, evidence: [] }),
    recordChanges: async () => null,
    archiveShard: async ({ readAll }) => ({
      bytesRead: 8192,
      bytesStored: 4096,
      blocksAudited: 0,
      byHints: false,
      readAll,
    }),
    finishVolume: async ({ volume, base }) => ({
      volumeId: volume.volumeId,
      deviceName: volume.deviceName,
      volumeBytes: volume.bytes,
      bytesRead: 8192,
      bytesStored: 4096,
      blocks: 8,
      holes: 2040,
      bytesReused: 0,
      blocksAudited: 0,
      map: MAP,
      base,
      byHints: false,
    }),
    confirmFacts: async () => CLEAN,
    checkVault: async ({ vault, level, pointIds = [] }) => ({
      result: checkResult(vault, level),
      marks: pointIds.map((pointId) => ({ pointId, verdict: 'green', text: 'nothing is damaged' })),
    }),
    commitPoint: async ({ run }) => ({ pointId: run.runId, committedAt: '2026-11-23T02:32:00.000Z' }),
    sealExtract: async () => ({
      parts: 1,
      bytes: 12,
      sha256: '0'.repeat(64),
      format: 'sql',
      name: 'public.accounts',
      rows: 2,
    }),
    recordMeasurement: async () => undefined,
    restoreFiles: async ({ runId, pointId, path, vault }) => ({
      ...{ runId, pointId, path, vault, folder: `/srv/restored/${runId}`, host: 'mover-1' },
      ...{ files: 3, kept: 1, folders: 1, links: 0, bytes: 4096, requests: 2, bytesFetched: 8192 },
      ...{ problems: 0, damaged: 0, named: [] },
    }),
    indexFiles: async () => ({ files: 1200, objects: 0, pages: 2, pagesReused: 0, notes: 0 }),
    readPointFacts: async () => ({ fileSystems: [], cleanFacts: {} }),
    restoreVolume: async ({ volume }) => ({
      snapshot: { ...scratchSnapshot(), sourceVolumeId: volume.volumeId },
      bytesWritten: 4096,
    }),
    ...changes,
  };
}

/** A machine of ours, by its role. */
export function ownMachine(role: OwnMachine['role'], attempt: number): OwnMachine {
  const machineId = `i-${role}-${attempt}`;
  return { machineId, imageId: 'ami-1', role, attempt, instanceType: 't3.micro', zone: 'local-1a', volumes: {} };
}
