import type { NetworkInterface } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import type { InterfaceRecord } from '../records.ts';
import { describe, tagSet } from './describe.ts';
import { type FilterTable, noneHas, ownedBy, timeText, UNMANAGED } from './filters.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';

function filters({ db, settings }: Cloud): FilterTable<InterfaceRecord> {
  return {
    'addresses.primary': () => [true],
    'addresses.private-ip-address': ({ privateIp }) => [privateIp],
    'attachment.attach-time': ({ createdAt }) => [timeText(createdAt)],
    'attachment.attachment-id': ({ attachmentId }) => [attachmentId],
    'attachment.delete-on-termination': () => [true],
    'attachment.device-index': () => [0],
    'attachment.instance-id': ({ instanceId }) => [instanceId],
    'attachment.instance-owner-id': () => [settings.accountId],
    'attachment.status': () => ['attached'],
    'availability-zone': ({ subnetId }) => [db.subnets.get(subnetId)?.zone],
    'availability-zone-id': ({ subnetId }) => [db.subnets.get(subnetId)?.zone],
    description: (card) => [descriptionOf(card)],
    'group-id': ({ groupIds }) => groupIds,
    'group-name': ({ groupIds }) => groupIds.map((id) => db.groups.get(id)?.name),
    'interface-type': ({ endpointId }) => [endpointId === undefined ? 'interface' : 'vpc_endpoint'],
    'mac-address': ({ mac }) => [mac],
    'network-interface-id': ({ id }) => [id],
    ...UNMANAGED,
    ...ownedBy(settings.accountId),
    'private-ip-address': ({ privateIp }) => [privateIp],
    'requester-managed': ({ endpointId }) => [endpointId !== undefined],
    'source-dest-check': () => [true],
    status: () => ['in-use'],
    'subnet-id': ({ subnetId }) => [subnetId],
    'vpc-id': ({ vpcId }) => [vpcId],
    ...noneHas('addresses.association.owner-id', 'addresses.association.public-ip', 'association.allocation-id'),
    ...noneHas('association.association-id', 'association.ip-owner-id', 'association.public-dns-name'),
    ...noneHas('association.public-ip', 'ipv6-addresses.ipv6-address', 'private-dns-name', 'requester-id'),
  };
}

export const interfaceOperations: Operations = {
  DescribeNetworkInterfaces: operation(
    { NetworkInterfaceIds: z.array(z.string()).optional(), Filters: FilterList, ...PAGED },
    (input, { cloud }) => {
      const { items, NextToken } = describe({
        cloud,
        prefix: 'eni',
        records: cloud.db.interfaces.all(),
        ids: input.NetworkInterfaceIds,
        filters: input.Filters,
        table: filters(cloud),
        page: input,
      });
      return { NetworkInterfaces: items.map((card) => renderInterface(card, cloud)), NextToken };
    },
  ),
};

/** Of a machine's card an empty one, as EC2 shows it. */
function descriptionOf({ endpointId }: InterfaceRecord): string {
  return endpointId === undefined ? '' : `VPC Endpoint Interface ${endpointId}`;
}

function renderInterface(card: InterfaceRecord, { settings, db }: Cloud): NetworkInterface {
  return {
    NetworkInterfaceId: card.id,
    VpcId: card.vpcId,
    SubnetId: card.subnetId,
    AvailabilityZone: db.subnets.get(card.subnetId)?.zone,
    OwnerId: settings.accountId,
    RequesterManaged: card.endpointId !== undefined,
    Description: descriptionOf(card),
    Status: 'in-use',
    InterfaceType: card.endpointId === undefined ? 'interface' : 'vpc_endpoint',
    MacAddress: card.mac,
    PrivateIpAddress: card.privateIp,
    PrivateIpAddresses: [{ Primary: true, PrivateIpAddress: card.privateIp }],
    Ipv6Addresses: [],
    SourceDestCheck: true,
    Groups: card.groupIds.map((id) => ({ GroupId: id, GroupName: db.groups.get(id)?.name })),
    Attachment: {
      AttachmentId: card.attachmentId,
      ...(card.instanceId !== undefined && { InstanceId: card.instanceId }),
      InstanceOwnerId: settings.accountId,
      DeviceIndex: 0,
      Status: 'attached',
      DeleteOnTermination: true,
      AttachTime: new Date(card.createdAt),
    },
    TagSet: tagSet(card.tags),
  };
}
