import type { Snapshot, SnapshotInfo } from '@aws-sdk/client-ec2';
import type { SnapshotFacts } from '../../contract/machine.ts';
import type { Run } from '../../contract/run.ts';
import { PlatformError } from '../../errors.ts';
import type { StoppedSnapshotRequest, StoppedSnapshots } from '../platform.ts';
import { captureSets } from './capture.ts';
import type { Ec2Context } from './context.ts';
import { isCode } from './errors.ts';
import { MUST_SHOW_WITHIN_MS } from './make.ts';
import { snapshotMachine, snapshotVolume } from './mutations.ts';
import { present } from './narrow.ts';
import { claimInstance, type Owned, ownedSnapshots, ownedVolumes } from './owned.ts';
import { repeatUntil } from './repeat.ts';
import { snapshotFacts } from './snapshot-facts.ts';
import { runTags } from './tags.ts';

/**
 * Snapshots of a stopped machine: its disks at one instant, the scratch volume apart, since its snapshot is read and
 * thrown away. Called again, it finds by volume and run what it made; of several sets the earliest counts.
 */
export async function snapshotStopped(
  context: Ec2Context,
  request: StoppedSnapshotRequest,
  signal: AbortSignal,
): Promise<StoppedSnapshots> {
  const { run, machine, scratchOnly } = request;
  const { owned, instance } = await claimInstance(context, run, machine.machineId, signal);
  if (instance.State?.Name !== 'stopped') {
    throw new PlatformError('NotReadyYet', `The machine ${machine.machineId} is ${instance.State?.Name}, not stopped.`);
  }
  const { scratch: scratchVolume, ...volumes } = machine.volumes;
  const scratchId = present(scratchVolume, 'scratch volume', machine.machineId);
  const disks = scratchOnly ? [] : await ensureDisks(context, { request, owned, volumes, scratchId }, signal);
  return { disks, scratch: await ensureScratch(context, request, scratchId, signal) };
}

interface DisksToSnapshot {
  readonly request: StoppedSnapshotRequest;
  readonly owned: Owned<'instance'>;
  /** Own volume id by source volume id. */
  readonly volumes: Readonly<Record<string, string>>;
  readonly scratchId: string;
}

async function ensureDisks(
  context: Ec2Context,
  { request: { run, retain }, owned, volumes, scratchId }: DisksToSnapshot,
  signal: AbortSignal,
): Promise<readonly SnapshotFacts[]> {
  const wanted = Object.entries(volumes);
  const findSet = async () => {
    const sets = await madeOf(context, run, Object.values(volumes), signal);
    return sets.find((set) => wanted.every(([, own]) => set.some(({ VolumeId }) => VolumeId === own)));
  };
  const machine = {
    machine: owned,
    excludeVolumeIds: [scratchId],
    tags: runTags(run, 'clone-snapshot', { retain }),
    description: `Understudy clone-snapshot of run ${run.runId}`,
  };
  const snapshots: readonly (Snapshot | SnapshotInfo)[] = await ensureOnce(
    context,
    { what: `snapshots of ${owned.id}`, find: findSet, send: () => snapshotMachine(context, machine, signal) },
    signal,
  );
  return wanted.map(([source, own]) => {
    const snapshot = snapshots.find(({ VolumeId }) => VolumeId === own);
    return snapshotFacts(present(snapshot, 'snapshot', `volume ${own}`), source);
  });
}

async function ensureScratch(
  context: Ec2Context,
  { run, machine }: StoppedSnapshotRequest,
  scratchId: string,
  signal: AbortSignal,
): Promise<SnapshotFacts> {
  const volumes = await ownedVolumes(context, run, signal);
  const volume = volumes.find(({ owned }) => owned.id === scratchId)?.owned;
  const results = {
    volume: present(volume, 'scratch volume', machine.machineId),
    tags: runTags(run, 'scratch', { name: `results of ${machine.machineId}` }),
    description: `Understudy results of run ${run.runId}`,
  };
  const send = () => snapshotVolume(context, results, signal);
  const find = async () => (await madeOf(context, run, [scratchId], signal)).flat()[0];
  const snapshot = await ensureOnce(context, { what: `the snapshot of ${scratchId}`, find, send }, signal);
  return snapshotFacts(snapshot, 'scratch');
}

/** Snapshots that this run made of these volumes, in sets, the earliest first. */
async function madeOf(context: Ec2Context, run: Run, volumeIds: readonly string[], signal: AbortSignal) {
  const all = (await ownedSnapshots(context, run, signal)).map(({ resource }) => resource);
  return captureSets(all.filter(({ VolumeId }) => volumeIds.some((id) => id === VolumeId)));
}

interface Once<T> {
  readonly what: string;
  readonly find: () => Promise<T | undefined>;
  readonly send: () => Promise<T>;
}

/**
 * No token exists for these calls, so a lost reply may hide a success, whose tags turn up late. Sent again at once, it would
 * leave a second set, which stays for ever where snapshots are retained.
 */
async function ensureOnce<T>(context: Ec2Context, { what, find, send }: Once<T>, signal: AbortSignal): Promise<T> {
  const earlier = await find();
  if (earlier !== undefined) return earlier;
  try {
    return await send();
  } catch (error) {
    if (!isCode(error, 'PlatformUnreachable')) throw error;
    context.log('lost reply', { what });
    return repeatUntil(
      context,
      { limitMs: MUST_SHOW_WITHIN_MS, what: `${what}, of whose request the reply was lost` },
      signal,
      find,
    );
  }
}
