import { z } from 'zod';
import { invalidValue } from '../cloud-error.ts';
import { ownValue } from '../own-value.ts';
import { require } from './describe.ts';
import { renderImage, requireImage } from './images.ts';
import { type Operations, operation } from './operation.ts';
import { requireSnapshot } from './snapshots.ts';

/** Attributes of what is shared with nobody: there is one account here, and nothing changes them. */
export const resourceAttributeOperations: Operations = {
  DescribeSnapshotAttribute: operation({ SnapshotId: z.string(), Attribute: z.string() }, (input, { cloud }) => {
    const { id: SnapshotId } = requireSnapshot(cloud, input.SnapshotId);
    return {
      SnapshotId,
      ...choose(input.Attribute, {
        createVolumePermission: { CreateVolumePermissions: [] },
        productCodes: { ProductCodes: [] },
      }),
    };
  }),

  DescribeVolumeAttribute: operation({ VolumeId: z.string(), Attribute: z.string() }, (input, { cloud }) => {
    const { id: VolumeId } = require(cloud.db.volumes, 'vol', input.VolumeId);
    return {
      VolumeId,
      ...choose(input.Attribute, {
        autoEnableIO: { AutoEnableIO: { Value: false } },
        productCodes: { ProductCodes: [] },
      }),
    };
  }),

  DescribeImageAttribute: operation({ ImageId: z.string(), Attribute: z.string() }, (input, { cloud }) => {
    const shown = renderImage(requireImage(cloud, input.ImageId), cloud);
    const text = (value: string | undefined) => (value === undefined ? {} : { Value: value });
    return {
      ImageId: shown.ImageId,
      ...choose(input.Attribute, {
        blockDeviceMapping: { BlockDeviceMappings: shown.BlockDeviceMappings },
        bootMode: { BootMode: text(shown.BootMode) },
        description: { Description: text(shown.Description) },
        imdsSupport: { ImdsSupport: text(shown.ImdsSupport) },
        kernel: { KernelId: {} },
        launchPermission: { LaunchPermissions: [] },
        productCodes: { ProductCodes: [] },
        ramdisk: { RamdiskId: {} },
        sriovNetSupport: { SriovNetSupport: text(shown.SriovNetSupport) },
        tpmSupport: { TpmSupport: {} },
      }),
    };
  }),
};

function choose(attribute: string, attributes: Readonly<Record<string, object>>): object {
  const found = ownValue(attributes, attribute);
  if (found === undefined) throw invalidValue('attribute', attribute);
  return found;
}
