import { createHash } from 'node:crypto';
import type { Instance, InstanceNetworkInterface } from '@aws-sdk/client-ec2';
import type { Cloud } from '../cloud.ts';
import type { InstanceRecord, InstanceState } from '../records.ts';
import { tagSet } from './describe.ts';

export const STATE_CODES: Readonly<Record<InstanceState, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

export function renderState(state: InstanceState) {
  return { Code: STATE_CODES[state], Name: state };
}

export function renderInstance(instance: InstanceRecord, cloud: Cloud): Instance {
  const gone = instance.state === 'terminated';
  return {
    InstanceId: instance.id,
    ImageId: instance.imageId,
    InstanceType: instance.type as NonNullable<Instance['InstanceType']>,
    State: renderState(instance.state),
    StateTransitionReason: instance.transitionReason,
    ...(instance.stateReason !== undefined && {
      StateReason: { Code: instance.stateReason.code, Message: instance.stateReason.message },
    }),
    LaunchTime: new Date(instance.launchedAt),
    AmiLaunchIndex: 0,
    ...(instance.clientToken !== undefined && { ClientToken: instance.clientToken }),
    Architecture: instance.architecture as NonNullable<Instance['Architecture']>,
    VirtualizationType: instance.virtualization as NonNullable<Instance['VirtualizationType']>,
    Hypervisor: 'xen',
    PlatformDetails: instance.platform === 'windows' ? 'Windows' : 'Linux/UNIX',
    ...(instance.platform === 'windows' && { Platform: 'Windows' as const }),
    UsageOperation: instance.platform === 'windows' ? 'RunInstances:0002' : 'RunInstances',
    EnaSupport: instance.enaSupport,
    EbsOptimized: instance.ebsOptimized,
    ...(instance.bootMode !== undefined && { BootMode: instance.bootMode as NonNullable<Instance['BootMode']> }),
    CurrentInstanceBootMode: 'legacy-bios',
    RootDeviceName: instance.rootDevice,
    RootDeviceType: 'ebs',
    ProductCodes: renderProductCodes(instance.productCodes),
    Monitoring: { State: 'disabled' },
    Placement: { AvailabilityZone: instance.zone, GroupName: '', Tenancy: 'default' },
    HibernationOptions: { Configured: instance.hibernation },
    CapacityReservationSpecification: { CapacityReservationPreference: 'none' },
    MetadataOptions: {
      State: 'applied',
      HttpEndpoint: 'enabled',
      HttpTokens: instance.httpTokens,
      HttpPutResponseHopLimit: instance.hopLimit,
      HttpProtocolIpv6: 'disabled',
      InstanceMetadataTags: 'disabled',
    },
    ...(instance.profile !== undefined && { IamInstanceProfile: renderProfile(instance.profile, cloud) }),
    SourceDestCheck: true,
    BlockDeviceMappings: gone ? [] : renderDisks(instance, cloud),
    ...(!gone && renderNetwork(instance, cloud)),
    Tags: tagSet(instance.tags),
  };
}

/** An id of IAM's form that stays the same for a name. */
export function renderProfile(name: string, { settings }: Cloud) {
  const id = createHash('sha256').update(`${settings.accountId}/${name}`).digest('hex').toUpperCase().slice(0, 17);
  return { Arn: `arn:aws:iam::${settings.accountId}:instance-profile/${name}`, Id: `AIPA${id}` };
}

export function renderProductCodes(codes: readonly string[] = []) {
  return codes.map((id) => ({ ProductCodeId: id, ProductCodeType: 'marketplace' as const }));
}

export function renderDisks(instance: InstanceRecord, { db }: Cloud): NonNullable<Instance['BlockDeviceMappings']> {
  return instance.volumeIds.flatMap((id) => {
    const attachment = db.volumes.get(id)?.attachment;
    if (attachment === undefined) return [];
    return [
      {
        DeviceName: attachment.device,
        Ebs: {
          VolumeId: id,
          Status: 'attached' as const,
          AttachTime: new Date(attachment.attachedAt),
          DeleteOnTermination: attachment.deleteOnTermination,
        },
      },
    ];
  });
}

function renderNetwork(instance: InstanceRecord, { db, settings }: Cloud): Partial<Instance> {
  const card = db.interfaces.get(instance.interfaceId);
  const groups = (card?.groupIds ?? []).map((id) => ({ GroupId: id, GroupName: db.groups.get(id)?.name }));
  const shown: InstanceNetworkInterface[] =
    card === undefined
      ? []
      : [
          {
            NetworkInterfaceId: card.id,
            SubnetId: card.subnetId,
            VpcId: card.vpcId,
            OwnerId: settings.accountId,
            Status: 'in-use',
            InterfaceType: 'interface',
            MacAddress: card.mac,
            PrivateIpAddress: card.privateIp,
            PrivateIpAddresses: [{ Primary: true, PrivateIpAddress: card.privateIp }],
            Ipv6Addresses: [],
            SourceDestCheck: true,
            Groups: groups,
            Attachment: {
              AttachmentId: card.attachmentId,
              DeviceIndex: 0,
              Status: 'attached',
              DeleteOnTermination: true,
              AttachTime: new Date(card.createdAt),
            },
          },
        ];
  return {
    SubnetId: instance.subnetId,
    VpcId: instance.vpcId,
    PrivateIpAddress: instance.privateIp,
    PrivateDnsName: `ip-${instance.privateIp.replaceAll('.', '-')}.ec2.internal`,
    PublicDnsName: '',
    SecurityGroups: groups,
    NetworkInterfaces: shown,
  };
}
