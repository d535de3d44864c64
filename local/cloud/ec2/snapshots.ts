import type { Snapshot, SnapshotInfo } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError, invalidValue, unsupported } from '../cloud-error.ts';
import type { ImageRecord, InstanceRecord, SnapshotRecord, VolumeRecord } from '../records.ts';
import { BLOCK_BYTES } from '../storage/bitmap.ts';
import { captureVolumes } from '../storage/capture.ts';
import { describe, require, tagSet, unknownId } from './describe.ts';
import { type FilterTable, noneHas, timeText } from './filters.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';
import { TagSpecifications, tagsFor } from './tag-specifications.ts';
import { inVolumeTurn } from './volume-turn.ts';

const FILTERS: FilterTable<SnapshotRecord> = {
  'snapshot-id': ({ id }) => [id],
  'volume-id': ({ volumeId }) => [volumeId],
  'volume-size': ({ sizeGiB }) => [sizeGiB],
  status: ({ state }) => [state],
  description: ({ description }) => [description],
  encrypted: ({ encrypted }) => [encrypted],
  progress: ({ progress }) => [`${progress}%`],
  'start-time': ({ startedAt }) => [timeText(startedAt)],
  'storage-tier': () => ['standard'],
  ...noneHas('owner-alias', 'transfer-type'),
};

/** Members that AWS has and whose only value here is the default. */
const Location = z.literal('regional').optional();

export const snapshotOperations: Operations = {
  CreateSnapshots: operation(
    {
      InstanceSpecification: z.strictObject({
        InstanceId: z.string(),
        ExcludeBootVolume: z.boolean().optional(),
        ExcludeDataVolumeIds: z.array(z.string()).max(40).optional(),
      }),
      Description: z.string().max(255).default(''),
      TagSpecifications,
      CopyTagsFromSource: z.literal('volume').optional(),
      Location,
    },
    async (input, { cloud }) => {
      const { InstanceId, ExcludeBootVolume = false, ExcludeDataVolumeIds = [] } = input.InstanceSpecification;
      const requested = tagsFor(input.TagSpecifications, 'snapshot');
      const captured = await cloud.machines.inTurn(InstanceId, () => {
        const instance = require(cloud.db.instances, 'i', InstanceId);
        return captureVolumes(cloud, {
          volumes: volumesToCapture(cloud, instance, ExcludeBootVolume, ExcludeDataVolumeIds),
          description: input.Description,
          tagsOf: (volume) => ({ ...(input.CopyTagsFromSource !== undefined && volume.tags), ...requested }),
        });
      });
      return { Snapshots: captured.map((snapshot) => renderInfo(snapshot, cloud)) };
    },
  ),

  CreateSnapshot: operation(
    { VolumeId: z.string(), Description: z.string().max(255).default(''), TagSpecifications, Location },
    async (input, { cloud }) => {
      const tags = tagsFor(input.TagSpecifications, 'snapshot');
      const [snapshot] = await inVolumeTurn(cloud, input.VolumeId, async (volume) => {
        if (volume.state === 'creating') throw new CloudError('IncorrectState', `${volume.id} is being created`);
        return captureVolumes(cloud, { volumes: [volume], description: input.Description, tagsOf: () => tags });
      });
      return snapshot && renderSnapshot(snapshot, cloud);
    },
  ),

  DeleteSnapshot: operation({ SnapshotId: z.string() }, async (input, { cloud }) => {
    const snapshot = requireSnapshot(cloud, input.SnapshotId);
    const image = imageWith(cloud, snapshot.id);
    if (image !== undefined) {
      throw new CloudError('InvalidSnapshot.InUse', `The snapshot ${snapshot.id} is currently in use by ${image.id}`);
    }
    await deleteSnapshot(cloud, snapshot.id);
    return undefined;
  }),

  DescribeSnapshots: operation(
    {
      SnapshotIds: z.array(z.string()).optional(),
      OwnerIds: z.array(z.string()).optional(),
      RestorableByUserIds: z.array(z.string()).optional(),
      Filters: FilterList,
      ...PAGED,
    },
    (input, { cloud }) => {
      const { accountId } = cloud.settings;
      const { items, NextToken } = describe({
        cloud,
        prefix: 'snap',
        records: visible(cloud, input),
        ids: input.SnapshotIds,
        filters: input.Filters,
        table: { ...FILTERS, 'owner-id': () => [accountId] },
        page: input,
      });
      return { Snapshots: items.map((snapshot) => renderSnapshot(snapshot, cloud)), NextToken };
    },
  ),
};

export function imageWith({ db }: Cloud, id: string): ImageRecord | undefined {
  return db.images.all().find(({ mappings }) => mappings.some(({ snapshotId }) => snapshotId === id));
}

export async function deleteSnapshot(cloud: Cloud, id: string): Promise<void> {
  cloud.db.snapshots.update(id, { state: 'deleted' });
  await cloud.snapshots.sweep();
}

export function requireSnapshot(cloud: Cloud, id: string): SnapshotRecord {
  const snapshot = require(cloud.db.snapshots, 'snap', id);
  if (snapshot.state === 'deleted' || snapshot.state === 'capturing') throw unknownId('snap', id);
  return snapshot;
}

interface Whose {
  readonly OwnerIds?: readonly string[] | undefined;
  readonly RestorableByUserIds?: readonly string[] | undefined;
}

/** Ours, and nobody else may restore them: asked for what `all` may, the answer is that nothing is public. */
function visible({ db, settings }: Cloud, { OwnerIds, RestorableByUserIds }: Whose): SnapshotRecord[] {
  const areUs = (users: readonly string[] | undefined) =>
    users === undefined || users.length === 0 || users.includes('self') || users.includes(settings.accountId);
  if (!areUs(OwnerIds) || !areUs(RestorableByUserIds)) return [];
  return db.snapshots.all().filter(({ state }) => state !== 'deleted' && state !== 'capturing');
}

export function volumesToCapture(
  cloud: Cloud,
  instance: InstanceRecord,
  withoutRoot: boolean,
  excluded: readonly string[],
): VolumeRecord[] {
  if (instance.state === 'terminated' || instance.state === 'pending') {
    throw new CloudError('IncorrectInstanceState', `The instance ${instance.id} is ${instance.state}`);
  }
  if (instance.hibernation) throw unsupported('snapshots of instances for which hibernation is enabled');
  const volumes = instance.volumeIds.flatMap((id) => cloud.db.volumes.get(id) ?? []);
  const isRoot = ({ attachment }: VolumeRecord) => attachment?.device === instance.rootDevice;
  for (const id of excluded) {
    const volume = volumes.find((candidate) => candidate.id === id);
    if (volume === undefined || isRoot(volume))
      throw invalidValue('ExcludeDataVolumeIds', id, 'is not a data volume of the instance');
  }
  const chosen = volumes.filter((volume) => !(withoutRoot && isRoot(volume)) && !excluded.includes(volume.id));
  if (chosen.length === 0) throw new CloudError('InvalidParameterValue', 'All volumes of the instance are excluded');
  return chosen;
}

function renderInfo(snapshot: SnapshotRecord, { settings }: Cloud): SnapshotInfo {
  return {
    SnapshotId: snapshot.id,
    VolumeId: snapshot.volumeId,
    VolumeSize: snapshot.sizeGiB,
    State: 'pending',
    StartTime: new Date(snapshot.startedAt),
    Progress: '',
    OwnerId: settings.accountId,
    Encrypted: snapshot.encrypted,
    Description: snapshot.description,
    Tags: tagSet(snapshot.tags),
  };
}

/** The volume id of snapshots that came from no volume (StartSnapshot), as AWS shows it. */
export const NO_VOLUME = 'vol-ffffffff';

function renderSnapshot(snapshot: SnapshotRecord, cloud: Cloud): Snapshot {
  const { id, state, stateMessage, completedAt, kmsKeyArn } = snapshot;
  return {
    SnapshotId: id,
    VolumeId: snapshot.volumeId,
    VolumeSize: snapshot.sizeGiB,
    State: state === 'completed' || state === 'error' ? state : 'pending',
    ...(stateMessage !== undefined && { StateMessage: stateMessage }),
    StartTime: new Date(snapshot.startedAt),
    ...(completedAt !== undefined && {
      CompletionTime: new Date(completedAt),
      FullSnapshotSizeInBytes: cloud.snapshots.blocks.written(snapshot).count() * BLOCK_BYTES,
    }),
    Progress: `${snapshot.progress}%`,
    OwnerId: cloud.settings.accountId,
    Encrypted: snapshot.encrypted,
    ...(kmsKeyArn !== undefined && { KmsKeyId: kmsKeyArn }),
    Description: snapshot.description,
    StorageTier: 'standard',
    Tags: tagSet(snapshot.tags),
  };
}
