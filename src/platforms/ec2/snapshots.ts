import type { Snapshot } from '@aws-sdk/client-ec2';
import type { SnapshotFacts } from '../../contract/machine.ts';
import { PlatformError } from '../../errors.ts';
import type { StoppedSnapshotRequest, StoppedSnapshots } from '../platform.ts';
import { captureSets } from './capture.ts';
import type { Ec2Context } from './context.ts';
import { snapshotMachine, snapshotVolume } from './mutations.ts';
import { present } from './narrow.ts';
import { claimInstance, type Owned, ownedSnapshots, ownedVolumes } from './owned.ts';
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
  const earlier = (await ownedSnapshots(context, run, signal)).map(({ resource }) => resource);
  const disks = scratchOnly ? [] : await ensureDisks(context, { request, owned, volumes, scratchId, earlier }, signal);
  return { disks, scratch: await ensureScratch(context, request, { scratchId, earlier }, signal) };
}

interface DisksToSnapshot {
  readonly request: StoppedSnapshotRequest;
  readonly owned: Owned<'instance'>;
  /** Own volume id by source volume id. */
  readonly volumes: Readonly<Record<string, string>>;
  readonly scratchId: string;
  readonly earlier: readonly Snapshot[];
}

async function ensureDisks(
  context: Ec2Context,
  { request: { run, retain }, owned, volumes, scratchId, earlier }: DisksToSnapshot,
  signal: AbortSignal,
): Promise<readonly SnapshotFacts[]> {
  const wanted = Object.entries(volumes);
  const sets = captureSets(earlier.filter(({ VolumeId }) => wanted.some(([, own]) => own === VolumeId)));
  const complete = sets.find((set) => wanted.every(([, own]) => set.some(({ VolumeId }) => VolumeId === own)));
  const snapshots =
    complete ??
    (await snapshotMachine(
      context,
      {
        machine: owned,
        excludeVolumeIds: [scratchId],
        tags: runTags(run, 'clone-snapshot', { retain }),
        description: `Understudy clone-snapshot of run ${run.runId}`,
      },
      signal,
    ));
  return wanted.map(([source, own]) => {
    const snapshot = snapshots.find(({ VolumeId }) => VolumeId === own);
    return snapshotFacts(present(snapshot, 'snapshot', `volume ${own}`), source);
  });
}

async function ensureScratch(
  context: Ec2Context,
  { run, machine }: StoppedSnapshotRequest,
  { scratchId, earlier }: { readonly scratchId: string; readonly earlier: readonly Snapshot[] },
  signal: AbortSignal,
): Promise<SnapshotFacts> {
  const [existing] = captureSets(earlier.filter(({ VolumeId }) => VolumeId === scratchId)).flat();
  if (existing) return snapshotFacts(existing, 'scratch');
  const volumes = await ownedVolumes(context, run, signal);
  const volume = volumes.find(({ owned }) => owned.id === scratchId)?.owned;
  const made = await snapshotVolume(
    context,
    {
      volume: present(volume, 'scratch volume', machine.machineId),
      tags: runTags(run, 'scratch', { name: `results of ${machine.machineId}` }),
      description: `Understudy results of run ${run.runId}`,
    },
    signal,
  );
  return snapshotFacts(made, 'scratch');
}
