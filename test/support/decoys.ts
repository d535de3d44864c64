import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  type Tag,
} from '@aws-sdk/client-ec2';
import type { LabClients } from '../../local/up/aws-clients.ts';
import { must } from '../../local/up/named.ts';

/** Resources that a clean-up must leave alone: a volume and a snapshot for every set of tags. */
export interface Decoys {
  add(tags: Readonly<Record<string, string>>): Promise<void>;
  /** Ids of those that are not there any more. */
  findMissing(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

export function createDecoys({ ec2 }: LabClients, zone: string): Decoys {
  const volumes: string[] = [];
  const snapshots: string[] = [];
  return {
    async add(tags) {
      const Tags: Tag[] = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      const tagged = <T extends 'volume' | 'snapshot'>(ResourceType: T) =>
        Tags.length > 0 ? { TagSpecifications: [{ ResourceType, Tags }] } : {};
      const volume = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: zone, Size: 1, ...tagged('volume') }));
      const VolumeId = must(volume.VolumeId, 'VolumeId');
      volumes.push(VolumeId);
      const snapshot = await ec2.send(new CreateSnapshotCommand({ VolumeId, ...tagged('snapshot') }));
      snapshots.push(must(snapshot.SnapshotId, 'SnapshotId'));
    },
    async findMissing() {
      const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({}));
      const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'] }));
      const there = new Set([...Volumes.map(({ VolumeId }) => VolumeId), ...Snapshots.map((one) => one.SnapshotId)]);
      return [...volumes, ...snapshots].filter((id) => !there.has(id));
    },
    async remove() {
      for (const SnapshotId of snapshots) await ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
      for (const VolumeId of volumes) await ec2.send(new DeleteVolumeCommand({ VolumeId }));
    },
  };
}
