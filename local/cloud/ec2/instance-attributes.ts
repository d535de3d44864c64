import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError, invalidValue } from '../cloud-error.ts';
import { ownValue } from '../own-value.ts';
import type { InstanceRecord } from '../records.ts';
import { require } from './describe.ts';
import { renderDisks, renderProductCodes } from './instance-view.ts';
import { type Operations, operation } from './operation.ts';
import { MAX_USER_DATA } from './run-instances.ts';

const Flag = z.strictObject({ Value: z.boolean() }).optional();
const Text = z.strictObject({ Value: z.string() }).optional();

/** What may be changed later. The rest is fixed when a machine is made: groups decide its network there. */
const CHANGES = {
  DisableApiTermination: Flag,
  DisableApiStop: z.strictObject({ Value: z.literal(false) }).optional(),
  SourceDestCheck: z.strictObject({ Value: z.literal(true) }).optional(),
  EbsOptimized: Flag,
  InstanceInitiatedShutdownBehavior: Text,
  InstanceType: Text,
  UserData: z.strictObject({ Value: z.instanceof(Uint8Array) }).optional(),
  BlockDeviceMappings: z
    .array(
      z.strictObject({
        DeviceName: z.string(),
        Ebs: z.strictObject({ DeleteOnTermination: z.boolean(), VolumeId: z.string().optional() }),
      }),
    )
    .optional(),
};
type Changes = z.output<z.ZodObject<typeof CHANGES>>;

export const instanceAttributeOperations: Operations = {
  DescribeInstanceAttribute: operation({ InstanceId: z.string(), Attribute: z.string() }, (input, { cloud }) => {
    const instance = require(cloud.db.instances, 'i', input.InstanceId);
    return { InstanceId: instance.id, ...attributeOf(cloud, instance, input.Attribute) };
  }),

  ModifyInstanceAttribute: operation(
    { InstanceId: z.string(), Attribute: z.string().optional(), Value: z.string().optional(), ...CHANGES },
    ({ InstanceId, Attribute, Value, ...members }, { cloud }) => {
      const instance = require(cloud.db.instances, 'i', InstanceId);
      const changes = Attribute === undefined ? members : { ...members, ...byName(Attribute, Value) };
      const said = Object.entries(changes).filter(([, change]) => change !== undefined);
      if (said.length === 0) throw new CloudError('InvalidParameterCombination', 'No attributes specified.');
      if (said.length > 1) {
        const names = said.map(([name]) => name).join(', ');
        throw new CloudError('InvalidParameterCombination', `Fields for multiple attribute types specified: ${names}`);
      }
      change(cloud, instance, changes);
      return undefined;
    },
  ),
};

/** The older form, which names one attribute and gives its value as text. */
function byName(attribute: string, value: string | undefined): Changes {
  const flag = () => {
    if (value !== 'true' && value !== 'false') throw invalidValue('value', String(value));
    return { Value: value === 'true' };
  };
  const forms: Readonly<Record<string, () => Changes>> = {
    disableApiTermination: () => ({ DisableApiTermination: flag() }),
    ebsOptimized: () => ({ EbsOptimized: flag() }),
    instanceInitiatedShutdownBehavior: () => ({ InstanceInitiatedShutdownBehavior: { Value: value ?? '' } }),
    instanceType: () => ({ InstanceType: { Value: value ?? '' } }),
    userData: () => ({ UserData: { Value: Buffer.from(value ?? '', 'base64') } }),
  };
  const form = ownValue(forms, attribute);
  if (form === undefined) throw invalidValue('attribute', attribute, 'cannot be modified here');
  return form();
}

function change(cloud: Cloud, instance: InstanceRecord, changes: Changes): void {
  const { db, settings } = cloud;
  const { DisableApiTermination, EbsOptimized, InstanceInitiatedShutdownBehavior, InstanceType, UserData } = changes;
  const update = (facts: Partial<InstanceRecord>) => void db.instances.update(instance.id, facts);
  if (instance.state === 'terminated' || instance.state === 'shutting-down') throw notStopped(instance);
  if (DisableApiTermination !== undefined) update({ apiTermination: !DisableApiTermination.Value });
  if (InstanceInitiatedShutdownBehavior !== undefined) {
    const { Value } = InstanceInitiatedShutdownBehavior;
    if (Value !== 'stop' && Value !== 'terminate') throw invalidValue('instanceInitiatedShutdownBehavior', Value);
    update({ shutdownBehavior: Value });
  }
  if (changes.BlockDeviceMappings !== undefined) keepOrDelete(cloud, instance, changes.BlockDeviceMappings);
  // What the machine is started with.
  if ((EbsOptimized ?? InstanceType ?? UserData) === undefined) return;
  if (instance.state !== 'stopped') throw notStopped(instance);
  if (EbsOptimized !== undefined) update({ ebsOptimized: EbsOptimized.Value });
  if (InstanceType !== undefined) {
    if (!Object.hasOwn(settings.instanceTypes, InstanceType.Value))
      throw invalidValue('instanceType', InstanceType.Value);
    update({ type: InstanceType.Value });
  }
  if (UserData !== undefined) {
    if (UserData.Value.length > MAX_USER_DATA)
      throw new CloudError('InvalidParameterValue', `User data is limited to ${MAX_USER_DATA} bytes`);
    update({ userData: Buffer.from(UserData.Value).toString('base64') });
  }
}

function keepOrDelete(
  { db }: Cloud,
  { id, volumeIds }: InstanceRecord,
  mappings: NonNullable<Changes['BlockDeviceMappings']>,
): void {
  const volumes = volumeIds.flatMap((volumeId) => db.volumes.get(volumeId) ?? []);
  const found = mappings.map(({ DeviceName, Ebs }) => {
    const volume = volumes.find(({ attachment }) => attachment?.device === DeviceName);
    if (volume?.attachment === undefined || (Ebs.VolumeId ?? volume.id) !== volume.id) {
      throw new CloudError(
        'InvalidInstanceAttributeValue',
        `No device is currently mapped at ${DeviceName} of instance ${id}`,
      );
    }
    return { volume, attachment: { ...volume.attachment, deleteOnTermination: Ebs.DeleteOnTermination } };
  });
  for (const { volume, attachment } of found) db.volumes.update(volume.id, { attachment });
}

function notStopped({ id }: InstanceRecord): CloudError {
  return new CloudError('IncorrectInstanceState', `The instance '${id}' is not in the 'stopped' state.`);
}

function attributeOf(cloud: Cloud, instance: InstanceRecord, attribute: string): object {
  const groupIds = cloud.db.interfaces.get(instance.interfaceId)?.groupIds ?? [];
  const attributes: Readonly<Record<string, object>> = {
    blockDeviceMapping: { BlockDeviceMappings: renderDisks(instance, cloud) },
    disableApiStop: { DisableApiStop: { Value: false } },
    disableApiTermination: { DisableApiTermination: { Value: !instance.apiTermination } },
    ebsOptimized: { EbsOptimized: { Value: instance.ebsOptimized } },
    enaSupport: { EnaSupport: { Value: instance.enaSupport } },
    enclaveOptions: { EnclaveOptions: { Enabled: false } },
    groupSet: { Groups: groupIds.map((GroupId) => ({ GroupId })) },
    instanceInitiatedShutdownBehavior: { InstanceInitiatedShutdownBehavior: { Value: instance.shutdownBehavior } },
    instanceType: { InstanceType: { Value: instance.type } },
    // These a machine here does not have; EC2 answers such as an empty element.
    kernel: { KernelId: {} },
    productCodes: { ProductCodes: renderProductCodes(instance.productCodes) },
    ramdisk: { RamdiskId: {} },
    rootDeviceName: { RootDeviceName: { Value: instance.rootDevice } },
    sourceDestCheck: { SourceDestCheck: { Value: true } },
    sriovNetSupport: { SriovNetSupport: {} },
    userData: { UserData: instance.userData === undefined ? {} : { Value: instance.userData } },
  };
  const found = ownValue(attributes, attribute);
  if (found === undefined) throw invalidValue('attribute', attribute);
  return found;
}
