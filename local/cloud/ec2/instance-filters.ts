import type { Instance } from '@aws-sdk/client-ec2';
import type { Cloud } from '../cloud.ts';
import type { InstanceRecord, VolumeRecord } from '../records.ts';
import { type FilterTable, noneHas, timeText, UNMANAGED } from './filters.ts';
import { renderInstance, STATE_CODES } from './instance-view.ts';

/** The filters of DescribeInstances, in the order of EC2's reference. */
export function instanceFilters(cloud: Cloud): FilterTable<InstanceRecord> {
  return {
    ...placeFilters(cloud),
    ...ownFilters(cloud),
    ...diskFilters(cloud),
    ...cardFilters(cloud),
    ...UNMANAGED,
    ...NEVER_HELD,
  };
}

function placeFilters({ settings }: Cloud): FilterTable<InstanceRecord> {
  return {
    'availability-zone': ({ zone }) => [zone],
    'availability-zone-id': ({ zone }) => [zone],
    'image-id': ({ imageId }) => [imageId],
    'instance-id': ({ id }) => [id],
    'instance-state-code': ({ state }) => [STATE_CODES[state]],
    'instance-state-name': ({ state }) => [state],
    'instance-type': ({ type }) => [type],
    'launch-index': () => [0],
    'launch-time': ({ launchedAt }) => [timeText(launchedAt)],
    'owner-id': () => [settings.accountId],
    'private-ip-address': ({ privateIp }) => [privateIp],
    reason: ({ transitionReason }) => [transitionReason],
    'reservation-id': ({ reservationId }) => [reservationId],
    'state-reason-code': ({ stateReason }) => [stateReason?.code],
    'state-reason-message': ({ stateReason }) => [stateReason?.message],
    'subnet-id': ({ subnetId }) => [subnetId],
    'vpc-id': ({ vpcId }) => [vpcId],
  };
}

/** What a machine is, as DescribeInstances shows it. */
function ownFilters(cloud: Cloud): FilterTable<InstanceRecord> {
  const shown =
    (read: (instance: Instance) => readonly (string | number | boolean | undefined)[]) => (record: InstanceRecord) =>
      read(renderInstance(record, cloud));
  return {
    architecture: ({ architecture }) => [architecture],
    'boot-mode': ({ bootMode }) => [bootMode],
    'capacity-reservation-specification.capacity-reservation-preference': shown((instance) => [
      instance.CapacityReservationSpecification?.CapacityReservationPreference,
    ]),
    'client-token': ({ clientToken }) => [clientToken],
    'current-instance-boot-mode': shown(({ CurrentInstanceBootMode }) => [CurrentInstanceBootMode]),
    'ebs-optimized': ({ ebsOptimized }) => [ebsOptimized],
    'ena-support': ({ enaSupport }) => [enaSupport],
    'enclave-options.enabled': () => [false],
    'hibernation-options.configured': ({ hibernation }) => [hibernation],
    hypervisor: shown(({ Hypervisor }) => [Hypervisor]),
    'iam-instance-profile.arn': shown(({ IamInstanceProfile }) => [IamInstanceProfile?.Arn]),
    'iam-instance-profile.id': shown(({ IamInstanceProfile }) => [IamInstanceProfile?.Id]),
    'metadata-options.http-endpoint': shown(({ MetadataOptions }) => [MetadataOptions?.HttpEndpoint]),
    'metadata-options.http-protocol-ipv6': shown(({ MetadataOptions }) => [MetadataOptions?.HttpProtocolIpv6]),
    'metadata-options.http-put-response-hop-limit': ({ hopLimit }) => [hopLimit],
    'metadata-options.http-tokens': ({ httpTokens }) => [httpTokens],
    'metadata-options.instance-metadata-tags': shown(({ MetadataOptions }) => [MetadataOptions?.InstanceMetadataTags]),
    'metadata-options.state': shown(({ MetadataOptions }) => [MetadataOptions?.State]),
    'monitoring-state': shown(({ Monitoring }) => [Monitoring?.State]),
    platform: ({ platform }) => [platform],
    'platform-details': shown(({ PlatformDetails }) => [PlatformDetails]),
    'private-dns-name': shown(({ PrivateDnsName }) => [PrivateDnsName]),
    'product-code': ({ productCodes }) => productCodes ?? [],
    'product-code.type': ({ productCodes }) => (productCodes ?? []).map(() => 'marketplace'),
    'root-device-name': ({ rootDevice }) => [rootDevice],
    'root-device-type': () => ['ebs'],
    'source-dest-check': () => [true],
    tenancy: shown(({ Placement }) => [Placement?.Tenancy]),
    'usage-operation': shown(({ UsageOperation }) => [UsageOperation]),
    'virtualization-type': ({ virtualization }) => [virtualization],
  };
}

function diskFilters({ db }: Cloud): FilterTable<InstanceRecord> {
  const attached =
    (read: (attachment: NonNullable<VolumeRecord['attachment']>) => string | boolean) =>
    ({ volumeIds }: InstanceRecord) =>
      volumeIds.flatMap((id) => {
        const attachment = db.volumes.get(id)?.attachment;
        return attachment === undefined ? [] : [read(attachment)];
      });
  return {
    'block-device-mapping.attach-time': attached(({ attachedAt }) => timeText(attachedAt)),
    'block-device-mapping.delete-on-termination': attached(({ deleteOnTermination }) => deleteOnTermination),
    'block-device-mapping.device-name': attached(({ device }) => device),
    'block-device-mapping.status': attached(() => 'attached'),
    'block-device-mapping.volume-id': ({ volumeIds }) => volumeIds,
  };
}

function cardFilters({ db, settings }: Cloud): FilterTable<InstanceRecord> {
  const cardOf = ({ interfaceId }: InstanceRecord) => db.interfaces.get(interfaceId);
  const groupIds = (record: InstanceRecord) => cardOf(record)?.groupIds ?? [];
  const groupNames = (record: InstanceRecord) => groupIds(record).map((id) => db.groups.get(id)?.name);
  const address = (record: InstanceRecord) => [cardOf(record)?.privateIp];
  return {
    'instance.group-id': groupIds,
    'instance.group-name': groupNames,
    'network-interface.addresses.primary': () => [true],
    'network-interface.addresses.private-ip-address': address,
    'network-interface.attachment.attach-time': (record) => [timeText(cardOf(record)?.createdAt ?? 0)],
    'network-interface.attachment.attachment-id': (record) => [cardOf(record)?.attachmentId],
    'network-interface.attachment.delete-on-termination': () => [true],
    'network-interface.attachment.device-index': () => [0],
    'network-interface.attachment.instance-id': ({ id }) => [id],
    'network-interface.attachment.instance-owner-id': () => [settings.accountId],
    'network-interface.attachment.status': () => ['attached'],
    'network-interface.availability-zone': ({ zone }) => [zone],
    'network-interface.group-id': groupIds,
    'network-interface.group-name': groupNames,
    'network-interface.mac-address': (record) => [cardOf(record)?.mac],
    'network-interface.network-interface-id': ({ interfaceId }) => [interfaceId],
    'network-interface.operator.managed': () => [false],
    'network-interface.owner-id': () => [settings.accountId],
    'network-interface.private-ip-address': address,
    'network-interface.requester-managed': () => [false],
    'network-interface.source-dest-check': () => [true],
    'network-interface.status': () => ['in-use'],
    'network-interface.subnet-id': ({ subnetId }) => [subnetId],
    'network-interface.tag-key': (record) => Object.keys(cardOf(record)?.tags ?? {}),
    'network-interface.tag-value': (record) => Object.values(cardOf(record)?.tags ?? {}),
    'network-interface.vpc-id': ({ vpcId }) => [vpcId],
  };
}

/** Of public addresses, which no machine here has. */
const ASSOCIATION = [
  'allocation-id',
  'association-id',
  'carrier-ip',
  'customer-owned-ip',
  'ip-owner-id',
  'public-dns-name',
  'public-ip',
];

const NEVER_OF_CARDS = [
  'attachment.network-card-index',
  'deny-all-igw-traffic',
  'description',
  'ipv4-prefixes.ipv4-prefix',
  'ipv6-address',
  'ipv6-addresses.ipv6-address',
  'ipv6-addresses.is-primary-ipv6',
  'ipv6-native',
  'ipv6-prefixes.ipv6-prefix',
  'operator.principal',
  'outpost-arn',
  'private-dns-name',
  'public-dns-name',
  'requester-id',
];

const NEVER_HELD = noneHas(
  'affinity',
  'capacity-reservation-id',
  'capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id',
  'capacity-reservation-specification.capacity-reservation-target.capacity-reservation-resource-group-arn',
  'dns-name',
  'group-id',
  'group-name',
  'host-id',
  'instance-lifecycle',
  'ip-address',
  'ipv6-address',
  'kernel-id',
  'key-name',
  'maintenance-options.auto-recovery',
  'metadata-options.http-protocol-ipv4',
  ...ASSOCIATION.map((fact) => `network-interface.addresses.association.${fact}`),
  'network-interface.addresses.private-dns-name',
  ...ASSOCIATION.map((fact) => `network-interface.association.${fact}`),
  ...NEVER_OF_CARDS.map((fact) => `network-interface.${fact}`),
  'network-performance-options.bandwidth-weighting',
  'outpost-arn',
  'placement-group-name',
  'placement-partition-number',
  'private-dns-name-options.enable-resource-name-dns-a-record',
  'private-dns-name-options.enable-resource-name-dns-aaaa-record',
  'private-dns-name-options.hostname-type',
  'ramdisk-id',
  'requester-id',
  'spot-instance-request-id',
  'tpm-support',
  'usage-operation-update-time',
);
