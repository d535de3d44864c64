import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import { newId } from '../ids.ts';
import type { InternetGatewayRecord } from '../records.ts';
import { describe, require, tagSet } from './describe.ts';
import { type FilterTable, ownedBy } from './filters.ts';
import { noneOf } from './none-here.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';
import { TagSpecifications, tagsFor } from './tag-specifications.ts';

const FILTERS: FilterTable<InternetGatewayRecord> = {
  'internet-gateway-id': ({ id }) => [id],
  'attachment.vpc-id': ({ vpcId }) => [vpcId],
  'attachment.state': ({ vpcId }) => [vpcId === undefined ? undefined : 'available'],
};

export const gatewayOperations: Operations = {
  CreateInternetGateway: operation({ TagSpecifications }, (input, { cloud }) => {
    const tags = tagsFor(input.TagSpecifications, 'internet-gateway');
    return {
      InternetGateway: renderGateway(cloud.db.gateways.put({ id: newId('igw'), createdAt: cloud.now(), tags }), cloud),
    };
  }),

  AttachInternetGateway: operation({ InternetGatewayId: z.string(), VpcId: z.string() }, (input, { cloud }) => {
    const gateway = require(cloud.db.gateways, 'igw', input.InternetGatewayId);
    const { id: vpcId } = require(cloud.db.vpcs, 'vpc', input.VpcId);
    const attached = cloud.db.gateways.all().some((other) => other.vpcId === vpcId);
    if (gateway.vpcId !== undefined || attached) {
      throw new CloudError('Resource.AlreadyAssociated', `${gateway.id} or ${vpcId} is already attached`);
    }
    cloud.db.gateways.put({ ...gateway, vpcId });
    return undefined;
  }),

  DetachInternetGateway: operation({ InternetGatewayId: z.string(), VpcId: z.string() }, (input, { cloud }) => {
    const { vpcId, ...gateway } = require(cloud.db.gateways, 'igw', input.InternetGatewayId);
    if (vpcId !== input.VpcId)
      throw new CloudError('Gateway.NotAttached', `${gateway.id} is not attached to ${input.VpcId}`);
    cloud.db.gateways.put(gateway);
    return undefined;
  }),

  DeleteInternetGateway: operation({ InternetGatewayId: z.string() }, (input, { cloud }) => {
    const gateway = require(cloud.db.gateways, 'igw', input.InternetGatewayId);
    if (gateway.vpcId !== undefined) {
      throw new CloudError(
        'DependencyViolation',
        `The internetGateway '${gateway.id}' has dependencies and cannot be deleted.`,
      );
    }
    cloud.db.gateways.remove(gateway.id);
    return undefined;
  }),

  DescribeInternetGateways: operation(
    { InternetGatewayIds: z.array(z.string()).optional(), Filters: FilterList, ...PAGED },
    (input, { cloud }) => {
      const { items, NextToken } = describe({
        cloud,
        prefix: 'igw',
        records: cloud.db.gateways.all(),
        ids: input.InternetGatewayIds,
        filters: input.Filters,
        table: { ...FILTERS, ...ownedBy(cloud.settings.accountId) },
        page: input,
      });
      return { InternetGateways: items.map((gateway) => renderGateway(gateway, cloud)), NextToken };
    },
  ),

  // Ways out that nobody can make here.
  DescribeEgressOnlyInternetGateways: noneOf({
    member: 'EgressOnlyInternetGateways',
    names: { EgressOnlyInternetGatewayIds: 'InvalidEgressOnlyInternetGatewayId.NotFound' },
    filters: [],
  }),
  DescribeNatGateways: noneOf({
    member: 'NatGateways',
    names: { NatGatewayIds: 'NatGatewayNotFound' },
    filters: ['nat-gateway-id', 'state', 'subnet-id', 'vpc-id'],
    filterMember: 'Filter',
  }),
  DescribeVpnGateways: noneOf({
    member: 'VpnGateways',
    names: { VpnGatewayIds: 'InvalidVpnGatewayID.NotFound' },
    filters: [
      'amazon-side-asn',
      'attachment.state',
      'attachment.vpc-id',
      'availability-zone',
      'state',
      'type',
      'vpn-gateway-id',
    ],
    also: {},
  }),
  DescribeTransitGatewayVpcAttachments: noneOf({
    member: 'TransitGatewayVpcAttachments',
    names: { TransitGatewayAttachmentIds: 'InvalidTransitGatewayAttachmentID.NotFound' },
    filters: ['state', 'transit-gateway-attachment-id', 'transit-gateway-id', 'vpc-id'],
  }),
  DescribeVpcPeeringConnections: noneOf({
    member: 'VpcPeeringConnections',
    names: { VpcPeeringConnectionIds: 'InvalidVpcPeeringConnectionID.NotFound' },
    filters: [
      'accepter-vpc-info.cidr-block',
      'accepter-vpc-info.owner-id',
      'accepter-vpc-info.vpc-id',
      'expiration-time',
      'requester-vpc-info.cidr-block',
      'requester-vpc-info.owner-id',
      'requester-vpc-info.vpc-id',
      'status-code',
      'status-message',
      'vpc-peering-connection-id',
    ],
  }),
  DescribeCarrierGateways: noneOf({
    member: 'CarrierGateways',
    names: { CarrierGatewayIds: 'InvalidCarrierGatewayID.NotFound' },
    filters: ['carrier-gateway-id', 'state', 'owner-id', 'vpc-id'],
  }),
  DescribeInstanceConnectEndpoints: noneOf({
    member: 'InstanceConnectEndpoints',
    names: { InstanceConnectEndpointIds: 'InvalidInstanceConnectEndpointId.NotFound' },
    filters: ['instance-connect-endpoint-id', 'state', 'subnet-id', 'tag-value', 'vpc-id'],
  }),
};

function renderGateway({ id, vpcId, tags }: InternetGatewayRecord, { settings }: Cloud) {
  return {
    InternetGatewayId: id,
    OwnerId: settings.accountId,
    Attachments: vpcId === undefined ? [] : [{ State: 'available', VpcId: vpcId }],
    Tags: tagSet(tags),
  };
}
