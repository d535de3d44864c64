import {
  DescribeCarrierGatewaysCommand,
  DescribeEgressOnlyInternetGatewaysCommand,
  DescribeInstanceConnectEndpointsCommand,
  DescribeInternetGatewaysCommand,
  DescribeNatGatewaysCommand,
  DescribeTransitGatewayVpcAttachmentsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcPeeringConnectionsCommand,
  DescribeVpnGatewaysCommand,
} from '@aws-sdk/client-ec2';
import { collect } from './pages.ts';
import { type IsolationLine, mustBeNone } from './proof-line.ts';

const REMEDY = 'Remove it from the isolated network, or give the profile a network that has none.';

/** States in which a thing no longer carries anything. */
export const OVER = ['deleted', 'deleting', 'failed', 'rejected', 'expired', 'detached', 'detaching'];

/** Every way out of a network that the EC2 API knows. A sealed network has none of them. */
export const GATEWAY_LINES: readonly IsolationLine[] = [
  {
    name: 'internet-gateways',
    remedy: REMEDY,
    async read({ clients }, { isolation }, signal) {
      const filters = [{ Name: 'attachment.vpc-id', Values: [isolation.vpcId] }];
      const found = await collect('DescribeInternetGateways', signal, async (NextToken) => {
        const command = new DescribeInternetGatewaysCommand({ Filters: filters, NextToken });
        const page = await clients.ec2.send(command, { abortSignal: signal });
        return { items: page.InternetGateways ?? [], next: page.NextToken };
      });
      return mustBeNone(
        'internet gateway',
        found.map(({ InternetGatewayId }) => InternetGatewayId),
      );
    },
  },
  {
    name: 'egress-only-gateways',
    remedy: REMEDY,
    async read({ clients }, { isolation }, signal) {
      // This describe has no filter by network.
      const all = await collect('DescribeEgressOnlyInternetGateways', signal, async (NextToken) => {
        const page = await clients.ec2.send(new DescribeEgressOnlyInternetGatewaysCommand({ NextToken }), {
          abortSignal: signal,
        });
        return { items: page.EgressOnlyInternetGateways ?? [], next: page.NextToken };
      });
      const found = all.filter(({ Attachments }) => Attachments?.some(({ VpcId }) => VpcId === isolation.vpcId));
      return mustBeNone(
        'egress-only gateway',
        found.map(({ EgressOnlyInternetGatewayId: id }) => id),
      );
    },
  },
  {
    name: 'nat-gateways',
    remedy: REMEDY,
    async read({ clients }, { isolation }, signal) {
      const filters = [{ Name: 'vpc-id', Values: [isolation.vpcId] }];
      const all = await collect('DescribeNatGateways', signal, async (NextToken) => {
        const page = await clients.ec2.send(new DescribeNatGatewaysCommand({ Filter: filters, NextToken }), {
          abortSignal: signal,
        });
        return { items: page.NatGateways ?? [], next: page.NextToken };
      });
      return mustBeNone(
        'NAT gateway',
        all.filter(({ State }) => !OVER.includes(State ?? '')).map(({ NatGatewayId }) => NatGatewayId),
      );
    },
  },
  {
    name: 'vpn-gateways',
    remedy: REMEDY,
    async read({ clients }, { isolation }, signal) {
      const filters = [{ Name: 'attachment.vpc-id', Values: [isolation.vpcId] }];
      const found = await collect('DescribeVpnGateways', signal, async () => {
        const page = await clients.ec2.send(new DescribeVpnGatewaysCommand({ Filters: filters }), {
          abortSignal: signal,
        });
        return { items: page.VpnGateways ?? [], next: undefined };
      });
      const attached = found.filter(({ VpcAttachments }) =>
        VpcAttachments?.some(({ VpcId, State }) => VpcId === isolation.vpcId && !OVER.includes(State ?? '')),
      );
      return mustBeNone(
        'VPN gateway',
        attached.map(({ VpnGatewayId }) => VpnGatewayId),
      );
    },
  },
  {
    name: 'transit-gateways',
    remedy: REMEDY,
    async read({ clients }, { isolation }, signal) {
      const filters = [{ Name: 'vpc-id', Values: [isolation.vpcId] }];
      const all = await collect('DescribeTransitGatewayVpcAttachments', signal, async (NextToken) => {
        const command = new DescribeTransitGatewayVpcAttachmentsCommand({ Filters: filters, NextToken });
        const page = await clients.ec2.send(command, { abortSignal: signal });
        return { items: page.TransitGatewayVpcAttachments ?? [], next: page.NextToken };
      });
      const live = all.filter(({ State }) => !OVER.includes(State ?? ''));
      return mustBeNone(
        'transit gateway attachment',
        live.map(({ TransitGatewayAttachmentId: id }) => id),
      );
    },
  },
  {
    name: 'peerings',
    remedy: REMEDY,
    async read({ clients }, { isolation }, signal) {
      const sides = ['requester-vpc-info.vpc-id', 'accepter-vpc-info.vpc-id'];
      const found = [];
      for (const Name of sides) {
        const filters = [{ Name, Values: [isolation.vpcId] }];
        found.push(
          ...(await collect('DescribeVpcPeeringConnections', signal, async (NextToken) => {
            const command = new DescribeVpcPeeringConnectionsCommand({ Filters: filters, NextToken });
            const page = await clients.ec2.send(command, { abortSignal: signal });
            return { items: page.VpcPeeringConnections ?? [], next: page.NextToken };
          })),
        );
      }
      const live = found.filter(({ Status }) => !OVER.includes(Status?.Code ?? ''));
      return mustBeNone(
        'peering',
        live.map(({ VpcPeeringConnectionId: id }) => id),
      );
    },
  },
  {
    name: 'carrier-gateways',
    remedy: REMEDY,
    async read({ clients }, { isolation }, signal) {
      const filters = [{ Name: 'vpc-id', Values: [isolation.vpcId] }];
      const all = await collect('DescribeCarrierGateways', signal, async (NextToken) => {
        const page = await clients.ec2.send(new DescribeCarrierGatewaysCommand({ Filters: filters, NextToken }), {
          abortSignal: signal,
        });
        return { items: page.CarrierGateways ?? [], next: page.NextToken };
      });
      return mustBeNone(
        'carrier gateway',
        all.filter(({ State }) => !OVER.includes(State ?? '')).map((gateway) => gateway.CarrierGatewayId),
      );
    },
  },
  {
    name: 'instance-connect-endpoints',
    remedy: REMEDY,
    async read({ clients }, { isolation }, signal) {
      const filters = [{ Name: 'vpc-id', Values: [isolation.vpcId] }];
      const all = await collect('DescribeInstanceConnectEndpoints', signal, async (NextToken) => {
        const command = new DescribeInstanceConnectEndpointsCommand({ Filters: filters, NextToken });
        const page = await clients.ec2.send(command, { abortSignal: signal });
        return { items: page.InstanceConnectEndpoints ?? [], next: page.NextToken };
      });
      const live = all.filter(({ State }) => !State?.startsWith('delete-') && State !== 'create-failed');
      return mustBeNone(
        'instance connect endpoint',
        live.map((endpoint) => endpoint.InstanceConnectEndpointId),
      );
    },
  },
  {
    name: 'network-endpoints',
    remedy: REMEDY,
    async read({ clients }, { isolation }, signal) {
      const filters = [{ Name: 'vpc-id', Values: [isolation.vpcId] }];
      const all = await collect('DescribeVpcEndpoints', signal, async (NextToken) => {
        const page = await clients.ec2.send(new DescribeVpcEndpointsCommand({ Filters: filters, NextToken }), {
          abortSignal: signal,
        });
        return { items: page.VpcEndpoints ?? [], next: page.NextToken };
      });
      const live = all.filter(({ State }) => !OVER.includes(String(State ?? '').toLowerCase()));
      return mustBeNone(
        'endpoint',
        live.map(({ VpcEndpointId }) => VpcEndpointId),
      );
    },
  },
];
