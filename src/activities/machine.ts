import type { Check } from '../contract/check.ts';
import type { MachineFacts, OwnMachine, SnapshotFacts, VolumeFacts } from '../contract/machine.ts';
import type { ConfiguredRecipe, IsolationProfile } from '../contract/resolved-backup.ts';
import type { RetainedClone } from '../contract/results.ts';
import type { Run } from '../contract/run.ts';
import { PlatformError } from '../errors.ts';
import type {
  ClonePlatform,
  DataPlatform,
  InventoryPlatform,
  RetainedImageRequest,
  SinkRequest,
  StoppedSnapshotRequest,
  StoppedSnapshots,
  VerificationPlatform,
} from '../platforms/platform.ts';
import type { AgentPlan, BootMedia, BootPlan, ExtractPlan } from '../recipes/boot-plan.ts';
import { BLOCK_BYTES, WrittenBlocks } from '../vault/index.ts';
import { beating } from './beating.ts';
import { digestBlock } from './digest-block.ts';

export type { StoppedSnapshots };

export interface MachineDeps {
  readonly platform: ClonePlatform & InventoryPlatform & DataPlatform & VerificationPlatform;
  readonly assembleBootMedia: (plan: BootPlan) => Promise<BootMedia>;
}

/** What a machine of ours is made of. */
export interface MachineOrder {
  readonly run: Run;
  readonly role: 'clone' | 'verify';
  readonly like: MachineFacts;
  readonly isolation: IsolationProfile;
  readonly recipes: readonly ConfiguredRecipe[];
  readonly recoverMs: number;
  /** For all scripts that stop applications, together. */
  readonly stopMs: number;
  /** What the machine is started for, where that is to take something out. */
  readonly extract?: ExtractPlan;
  /** Agents to run, or outputs to load. */
  readonly agents?: AgentPlan;
}

export interface ScratchOrder extends MachineOrder {
  readonly scratchGiB: number;
}

export interface LaunchOrder extends MachineOrder {
  readonly attempt: number;
  readonly snapshots: readonly SnapshotFacts[];
  readonly scratchSnapshotId: string;
}

export interface MachineRef {
  readonly run: Run;
  readonly machineId: string;
}

/** A machine that runs, and how it was shown to reach nothing. */
export interface LaunchedMachine {
  readonly machine: OwnMachine;
  readonly isolation: readonly Check[];
}

export function createMachineActivities({ platform, assembleBootMedia }: MachineDeps) {
  return {
    /** Writes the snapshot that the scratch volume is made of: scripts and parameters, then room for results. */
    async prepareScratch(order: ScratchOrder): Promise<{ readonly scratchSnapshotId: string }> {
      return beating(async ({ signal, progress }) => {
        const { scratch } = await assembleBootMedia(planOf(order));
        const sink = await platform.openSink(
          {
            run: order.run,
            role: 'scratch',
            name: `${order.role}-scratch`,
            volumeBytes: (order.scratchGiB + (order.agents?.region.giB ?? 0)) * 2 ** 30,
            encryption: scratchEncryption(order, platform),
          },
          signal,
        );
        const written = new WrittenBlocks();
        for (let index = 0; index * BLOCK_BYTES < scratch.length; index++) {
          const block = new Uint8Array(BLOCK_BYTES);
          block.set(scratch.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES));
          const sha256 = digestBlock(block);
          written.add(index, sha256);
          await sink.write(index, block, sha256, signal);
          progress();
        }
        const { ref } = await sink.complete(written, signal);
        return { scratchSnapshotId: ref };
      });
    },

    /** Launches, or adopts what an earlier attempt launched, and proves that the running machine reaches nothing. */
    async launchMachine(order: LaunchOrder): Promise<LaunchedMachine> {
      return beating(async ({ signal }) => {
        const { userData } = await assembleBootMedia(planOf(order));
        const { run, role, attempt, like, snapshots, scratchSnapshotId, isolation } = order;
        const machine = await platform.launch(
          { run, role, attempt, like, snapshots, scratchSnapshotId, isolation, userData },
          signal,
        );
        const checks = await platform.proveIsolation(
          { isolation, sourceId: run.sourceId, machineId: machine.machineId, role },
          signal,
        );
        const broken = checks.filter(({ verdict }) => verdict === 'broken' || verdict === 'not-checked');
        if (broken.length === 0) return { machine, isolation: checks };
        throw new PlatformError(
          'IsolationBroken',
          `the running ${role} ${machine.machineId} is not isolated: ${broken.map(({ name, found }) => `${name}: ${found}`).join('; ')}. It is being terminated`,
          { context: { machineId: machine.machineId, runId: run.runId } },
        );
      });
    },

    async terminateMachine({ run, machineId }: MachineRef): Promise<void> {
      await beating(({ signal }) => platform.terminate(run, machineId, signal));
    },

    /** What `retain.snapshots` promises beside the snapshots: something to launch. */
    async retainImage(request: RetainedImageRequest): Promise<RetainedClone> {
      const imageId = await beating(({ signal }) => platform.retainImage(request, signal));
      return { imageId, snapshotIds: request.snapshots.map(({ snapshotId }) => snapshotId) };
    },

    async snapshotStopped(request: StoppedSnapshotRequest): Promise<StoppedSnapshots> {
      return beating(({ signal }) => platform.snapshotStopped(request, signal));
    },
  };
}

function planOf({ run, role, recipes, recoverMs, stopMs, isolation, extract, agents }: MachineOrder): BootPlan {
  return {
    runId: run.runId,
    role,
    recipes,
    recoverMs,
    stopMs,
    ...(extract && { extract }),
    ...(agents && { agents }),
    ...(isolation.kind === 'endpoints-only' && { channel: 'run-command' }),
  };
}

/** Restored volumes are always encrypted, so is what stands beside them; a clone's scratch volume follows its source. */
function scratchEncryption(
  { like, isolation, role }: MachineOrder,
  platform: VerificationPlatform,
): SinkRequest['encryption'] {
  const encrypted = (volume: VolumeFacts) => role === 'verify' || volume.encrypted;
  const pattern = like.volumes.find((volume) => volume.root && encrypted(volume)) ?? like.volumes.find(encrypted);
  return pattern ? platform.encryptionFor(pattern, isolation) : 'none';
}
