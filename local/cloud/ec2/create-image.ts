import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError, unsupported } from '../cloud-error.ts';
import { newId } from '../ids.ts';
import type { ImageMapping, ImageRecord, InstanceRecord, SnapshotRecord } from '../records.ts';
import { captureVolumes } from '../storage/capture.ts';
import { require } from './describe.ts';
import { ImageName, refuseTakenName } from './images.ts';
import { type Operation, operation } from './operation.ts';
import { volumesToCapture } from './snapshots.ts';
import { TagSpecifications, tagsFor } from './tag-specifications.ts';

const Left = z.strictObject({ DeviceName: z.string(), NoDevice: z.string() });

const INPUT = {
  InstanceId: z.string(),
  Name: ImageName,
  Description: z.string().max(255).optional(),
  NoReboot: z.boolean().default(false),
  /** Devices that the image is to be without; other changes of its disks are not made here. */
  BlockDeviceMappings: z.array(Left).default([]),
  TagSpecifications,
};

/** An image of a machine as it is: one capture of its disks, and what it was started with. */
export const CreateImage: Operation = operation(INPUT, (input, { cloud }) => {
  const tags = (type: string) => tagsFor(input.TagSpecifications, type, ['image', 'snapshot']);
  const [imageTags, snapshotTags] = [tags('image'), tags('snapshot')];
  return cloud.machines.inTurn(input.InstanceId, async () => {
    const instance = require(cloud.db.instances, 'i', input.InstanceId);
    refuseTakenName(cloud, input.Name);
    // EC2 shuts the machine down for it and starts it again, unless it is told not to.
    if (instance.state !== 'stopped' && !input.NoReboot)
      throw unsupported('images of running instances without NoReboot: it would have to reboot them');
    const left = input.BlockDeviceMappings.map(({ DeviceName }) => DeviceName);
    if (left.includes(instance.rootDevice))
      throw new CloudError('InvalidBlockDeviceMapping', 'The root device cannot be left out');
    const id = newId('ami');
    const snapshots = await captureVolumes(cloud, {
      volumes: volumesToCapture(cloud, instance, false, volumesAt(cloud, instance, left)),
      description: `Created by CreateImage(${instance.id}) for ${id}`,
      tagsOf: () => snapshotTags,
    });
    cloud.db.images.put({
      id,
      createdAt: cloud.now(),
      tags: imageTags,
      name: input.Name,
      ...(input.Description !== undefined && { description: input.Description }),
      ...inherited(instance),
      mappings: [
        ...snapshots.map((snapshot) => mappingOf(cloud, snapshot)),
        ...instance.ephemeral
          .filter(({ device }) => !left.includes(device))
          .map((disk) => ({ ...disk, sizeGiB: 0, type: 'ephemeral', deleteOnTermination: true })),
      ],
    });
    return { ImageId: id };
  });
});

function inherited(instance: InstanceRecord): Omit<ImageRecord, 'id' | 'createdAt' | 'tags' | 'name' | 'mappings'> {
  return {
    architecture: instance.architecture,
    virtualization: instance.virtualization,
    rootDevice: instance.rootDevice,
    enaSupport: instance.enaSupport,
    ...(instance.bootMode !== undefined && { bootMode: instance.bootMode }),
    sourceInstanceId: instance.id,
  };
}

function volumesAt({ db }: Cloud, { volumeIds }: InstanceRecord, devices: readonly string[]): string[] {
  return volumeIds.filter((id) => devices.includes(db.volumes.get(id)?.attachment?.device ?? ''));
}

function mappingOf({ db }: Cloud, { id, volumeId, sizeGiB }: SnapshotRecord): ImageMapping {
  const volume = db.volumes.get(volumeId);
  if (volume?.attachment === undefined) throw new Error(`${volumeId} was detached while it was captured`);
  return {
    device: volume.attachment.device,
    snapshotId: id,
    sizeGiB,
    type: volume.type,
    ...(volume.iops !== undefined && { iops: volume.iops }),
    ...(volume.throughput !== undefined && { throughput: volume.throughput }),
    deleteOnTermination: volume.attachment.deleteOnTermination,
  };
}
