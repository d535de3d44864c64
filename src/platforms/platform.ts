import type { Check } from '../contract/check.ts';
import type {
  Capture,
  MachineFacts,
  Observation,
  OwnMachine,
  RestoredMachine,
  RestoredVolume,
  SnapshotFacts,
  VolumeFacts,
} from '../contract/machine.ts';
import type { AcceptedRisk } from '../contract/names.ts';
import type { IsolationProfile } from '../contract/resolved-backup.ts';
import type { RestorePlace } from '../contract/resolved-restore.ts';
import type { Leftover } from '../contract/results.ts';
import type { Run } from '../contract/run.ts';
import type { BlockSink, BlockSource } from '../vault/block-source.ts';

/**
 * Where machines live. Every method is repeatable: called again after a lost reply it finds what exists by tag and adopts
 * it. Errors are PlatformError (see errors.ts); anything else is the platform's bug. No method can stop, change or log
 * into a machine that does not carry this deployment's run tags.
 */
export interface Platform
  extends InventoryPlatform,
    CapturePlatform,
    ClonePlatform,
    CommandPlatform,
    DataPlatform,
    VerificationPlatform,
    RestorePlatform,
    CleanUpPlatform {}

/** Reads only. */
export interface InventoryPlatform {
  /** InstanceNotFound when the account has no such machine. */
  describeMachine(machineId: string, signal: AbortSignal): Promise<MachineFacts>;
  /** Ids of running machines that carry all these tags. */
  selectMachines(tags: Readonly<Record<string, string>>, signal: AbortSignal): Promise<readonly string[]>;
  /** Whether this machine can be captured whole, permissions and keys included; nothing is changed (DryRun only). */
  preflight(request: PreflightRequest, signal: AbortSignal): Promise<readonly Check[]>;
  /** The network as configuration: every line read again, now. `machineId`: also proves how that machine is connected. */
  proveIsolation(request: IsolationRequest, signal: AbortSignal): Promise<readonly Check[]>;
}

export interface PreflightRequest {
  readonly machine: MachineFacts;
  readonly accept: readonly AcceptedRisk[];
  readonly isolation: IsolationProfile;
  /** What machines of ours have beside the source's volumes, in words. */
  readonly beside: readonly string[];
}

export interface IsolationRequest {
  readonly isolation: IsolationProfile;
  readonly sourceId: string;
  readonly machineId?: string;
  readonly role: 'clone' | 'verify';
}

export interface CapturePlatform {
  /** The capture of this run, if an earlier attempt made it; the earliest complete one when there are several. */
  findCapture(run: Run, volumeIds: readonly string[], signal: AbortSignal): Promise<Capture | undefined>;
  /** One call, never repeated by itself: the reply may be lost (PlatformError PlatformUnreachable), then look for it. */
  createCapture(request: CaptureRequest, signal: AbortSignal): Promise<Capture>;
  /** Present state and percentage of the snapshots; SnapshotFailed when one is in error. */
  readSnapshots(snapshots: readonly SnapshotFacts[], signal: AbortSignal): Promise<readonly SnapshotFacts[]>;
}

export interface CaptureRequest {
  readonly run: Run;
  /** Whose next increment it is the base of; runs that began without it say nothing. */
  readonly vault?: string;
  readonly volumeIds: readonly string[];
}

export interface ClonePlatform {
  /**
   * Registers the image and launches, or adopts what an earlier attempt of the same `attempt` number launched. Resolves
   * when the machine is running and its connections were read again. InsufficientCapacity or LaunchRefused after all rungs.
   */
  launch(request: LaunchRequest, signal: AbortSignal): Promise<OwnMachine>;
  /** The last 64 KB of the console as the guest wrote them: hostile bytes. None when there is none (yet). */
  readConsole(run: Run, machineId: string, signal: AbortSignal): Promise<MachineSight>;
  /** JPEG; none where the platform has none, and of a machine that does not run. */
  screenshot(run: Run, machineId: string, signal: AbortSignal): Promise<MachineSight>;
  /** Asks the platform to end a machine of ours; the evidence of an orderly end is then gone. */
  stop(run: Run, machineId: string, signal: AbortSignal): Promise<void>;
  /** Ends a machine of ours for good; its volumes go with it. Gone already counts as done. */
  terminate(run: Run, machineId: string, signal: AbortSignal): Promise<void>;
  /** Snapshots of a stopped machine of ours: all disks at one instant, the scratch volume by its own. */
  snapshotStopped(request: StoppedSnapshotRequest, signal: AbortSignal): Promise<StoppedSnapshots>;
  /** An image of retained snapshots, tagged `understudy:retain`; resolves with its id. */
  retainImage(request: RetainedImageRequest, signal: AbortSignal): Promise<string>;
}

/** What one look at a machine of ours showed. */
export interface MachineSight {
  /** As it was right before the bytes were read. */
  readonly observation: Observation;
  readonly bytes: Uint8Array | undefined;
}

/** For machines whose script comes as a command (`OwnMachine.channel`). */
export interface CommandPlatform {
  /**
   * Sends the script once the machine takes commands, or adopts what an earlier attempt sent; undefined: it takes none yet.
   * One call, never repeated by itself. CommandUnconfirmed when its answer was lost and nothing shows: sending again is
   * safe only because the script itself claims its machine (recipes/boot/claim.sh).
   */
  ensureCommand(request: ScriptOrder, signal: AbortSignal): Promise<string | undefined>;
  /** What was sent to this machine, if anything. */
  findCommand(run: Run, machine: OwnMachine, signal: AbortSignal): Promise<string | undefined>;
  /** Undefined: the platform does not show it yet. */
  readCommand(run: Run, machineId: string, commandId: string, signal: AbortSignal): Promise<CommandState | undefined>;
  /** For evidence. Undefined: nothing was sent to this machine, or nothing is shown of it. */
  readCommandOutput(run: Run, machine: OwnMachine, signal: AbortSignal): Promise<CommandOutput | undefined>;
}

/** What became of a command, as the platform keeps it: hostile text, cut by the platform. */
export interface CommandOutput {
  readonly commandId: string;
  /** The platform's own word for its state. */
  readonly word: string;
  readonly output: string;
  readonly error: string;
}

export interface ScriptOrder {
  readonly run: Run;
  readonly machine: OwnMachine;
  readonly script: string;
  /** The platform ends it after that; the script's own watchdog comes first. */
  readonly executionMs: number;
}

export interface CommandState {
  /** `never-started`: it is over and the machine ran nothing of it. */
  readonly phase: 'waiting' | 'running' | 'ended' | 'never-started';
  /** The platform's own word. */
  readonly word: string;
}

export interface LaunchRequest {
  readonly run: Run;
  readonly role: 'clone' | 'verify';
  /** 1, then 2 when the first gave no sign of life; part of the idempotency token. */
  readonly attempt: number;
  /** The machine whose like is launched. */
  readonly like: MachineFacts;
  /** By source volume id. */
  readonly snapshots: readonly SnapshotFacts[];
  readonly scratchSnapshotId: string;
  readonly isolation: IsolationProfile;
  readonly userData: Uint8Array;
}

export interface StoppedSnapshotRequest {
  readonly run: Run;
  readonly machine: OwnMachine;
  /** Verification machines need only their scratch volume. */
  readonly scratchOnly: boolean;
  /** Tagged `understudy:retain` at creation. */
  readonly retain: boolean;
}

export interface RetainedImageRequest {
  readonly run: Run;
  readonly like: MachineFacts;
  /** Completed and retained, by source volume id. */
  readonly snapshots: readonly SnapshotFacts[];
}

export interface StoppedSnapshots {
  readonly disks: readonly SnapshotFacts[];
  readonly scratch: SnapshotFacts;
}

export interface DataPlatform {
  /** Only for snapshots that carry this run's tags. */
  openSource(run: Run, snapshotId: string, signal: AbortSignal): Promise<BlockSource>;
  /** Starts, or finds again by its token, a snapshot to be written. */
  openSink(request: SinkRequest, signal: AbortSignal): Promise<BlockSink>;
}

export interface SinkRequest {
  readonly run: Run;
  readonly role: 'scratch' | 'verify' | 'restored';
  /** What it is, within the run: a source volume id, or `clone-scratch`; part of the token. */
  readonly name: string;
  readonly volumeBytes: number;
  /** 'none' only for scratch volumes of unencrypted machines; 'default' is the account's default key. */
  readonly encryption: 'none' | 'default' | { readonly kmsKeyId: string };
}

export interface VerificationPlatform {
  /** The key that encrypts a restored volume: profile's, else the source volume's, else the account's default. */
  encryptionFor(volume: VolumeFacts, profile: { readonly kmsKeyId?: string }): SinkRequest['encryption'];
}

/** What is made for people and stays: role `restored`. */
export interface RestorePlatform {
  /** A new volume, encrypted as its snapshot is; resolves when it can be attached. Nothing that exists is written to. */
  createVolume(request: VolumeRequest, signal: AbortSignal): Promise<RestoredVolume>;
  /** Registers the image and launches, or adopts what an earlier attempt launched; resolves when the machine runs. */
  launchRestored(request: RestoredLaunchRequest, signal: AbortSignal): Promise<RestoredMachine>;
}

export interface VolumeRequest {
  readonly run: Run;
  /** The source volume whose like is made. */
  readonly volume: VolumeFacts;
  readonly snapshot: SnapshotFacts;
  readonly zone: string;
}

export interface RestoredLaunchRequest {
  readonly run: Run;
  /** The machine whose like is launched. */
  readonly like: MachineFacts;
  /** By source volume id. */
  readonly snapshots: readonly SnapshotFacts[];
  readonly place: RestorePlace;
  readonly userData: Uint8Array;
}

export interface CleanUpPlatform {
  /**
   * Removes all that this run's tags mark, in the order that works (machines, images, snapshots), and returns what could
   * not be removed. Never removes what is retained, nor what the request says to keep.
   */
  removeRunResources(request: RemovalRequest, signal: AbortSignal): Promise<readonly Leftover[]>;
  /** Every resource of this deployment with complete run tags, grouped by run. */
  findRuns(deploymentId: string, signal: AbortSignal): Promise<readonly RunResources[]>;
}

export interface RemovalRequest {
  readonly run: Run;
  /** Whether the run came to its end by itself: then nothing of it is so new that it may not show yet. */
  readonly done: boolean;
  /** Whether this run's capture stays for the next increment. */
  readonly keepCapture: boolean;
  /** Captures of earlier runs of the same source that a newer one replaces. */
  readonly replacedCaptures: 'remove' | 'keep';
  /** Restored machines and volumes stay, for people; the snapshots and the image they were made of go. */
  readonly keepRestored?: boolean;
}

export interface RunResources {
  readonly run: Run;
  readonly resources: readonly RunResource[];
}

export interface RunResource {
  readonly kind: Leftover['kind'];
  readonly id: string;
  /** As its tag says: `capture`, `clone`, … */
  readonly role: string;
  /** A person asked to keep it. */
  readonly retained: boolean;
}
