import type { NetworkInterface } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import type { InterfaceRecord } from '../records.ts';
import { describe, tagSet } from './describe.ts';
import type { FilterTable } from './filters.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';

const FILTERS: FilterTable<InterfaceRecord> = {
  'network-interface-id': ({ id }) => [id],
  'vpc-id': ({ vpcId }) => [vpcId],
  'subnet-id': ({ subnetId }) => [subnetId],
  'group-id': ({ groupIds }) => groupIds,
  'private-ip-address': ({ privateIp }) => [privateIp],
  'addresses.private-ip-address': ({ privateIp }) => [privateIp],
  'attachment.instance-id': ({ instanceId }) => [instanceId],
  'requester-managed': ({ endpointId }) => [endpointId !== undefined],
  'attachment.attachment-id': ({ attachmentId }) => [attachmentId],
  'mac-address': ({ mac }) => [mac],
  status: () => ['in-use'],
  'interface-type': ({ endpointId }) => [endpointId === undefined ? 'interface' : 'vpc_endpoint'],
};

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
        table: FILTERS,
        page: input,
      });
      return { NetworkInterfaces: items.map((card) => renderInterface(card, cloud)), NextToken };
    },
  ),
};

function renderInterface(card: InterfaceRecord, { settings, db }: Cloud): NetworkInterface {
  return {
    NetworkInterfaceId: card.id,
    VpcId: card.vpcId,
    SubnetId: card.subnetId,
    AvailabilityZone: db.subnets.get(card.subnetId)?.zone,
    OwnerId: settings.accountId,
    RequesterManaged: card.endpointId !== undefined,
    ...(card.endpointId !== undefined && { Description: `VPC Endpoint Interface ${card.endpointId}` }),
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
