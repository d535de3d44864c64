import type { RouteTable } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import { newId } from '../ids.ts';
import type { Route, RouteTableRecord } from '../records.ts';
import { parseCidr } from './cidr.ts';
import { findByToken, tokenFacts } from './client-token.ts';
import { describe, require, tagSet } from './describe.ts';
import { type FilterTable, noneHas, ownedBy } from './filters.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';
import { TagSpecifications, tagsFor } from './tag-specifications.ts';

function filters(cloud: Cloud): FilterTable<RouteTableRecord> {
  return {
    'association.main': ({ associations }) => associations.map(({ subnetId }) => subnetId === undefined),
    'association.route-table-association-id': ({ associations }) => associations.map(({ id }) => id),
    'association.route-table-id': ({ id, associations }) => associations.map(() => id),
    'association.subnet-id': ({ associations }) => associations.map(({ subnetId }) => subnetId),
    ...ownedBy(cloud.settings.accountId),
    'route-table-id': ({ id }) => [id],
    'route.destination-cidr-block': ({ routes }) => routes.map(({ cidr }) => cidr),
    'route.gateway-id': ({ routes }) => routes.map(({ gatewayId }) => gatewayId),
    'route.origin': ({ routes }) => routes.map(({ origin }) => origin),
    'route.state': (table) => table.routes.map((route) => routeState(route, table, cloud)),
    'vpc-id': ({ vpcId }) => [vpcId],
    ...noneHas('association.gateway-id', 'route.destination-ipv6-cidr-block', 'route.destination-prefix-list-id'),
    ...noneHas('route.egress-only-internet-gateway-id', 'route.instance-id', 'route.nat-gateway-id'),
    ...noneHas('route.transit-gateway-id', 'route.vpc-peering-connection-id'),
  };
}

export const routeTableOperations: Operations = {
  CreateRouteTable: operation(
    { VpcId: z.string(), TagSpecifications, ClientToken: z.string().max(64).optional() },
    (input, { cloud }) => {
      const earlier = findByToken(cloud.db.routeTables.all(), input);
      if (earlier !== undefined) return { RouteTable: renderTable(earlier, cloud), ClientToken: input.ClientToken };
      const vpc = require(cloud.db.vpcs, 'vpc', input.VpcId);
      const tags = tagsFor(input.TagSpecifications, 'route-table');
      const routes = [{ cidr: vpc.cidr, gatewayId: 'local', origin: 'CreateRouteTable' as const }];
      const facts = { id: newId('rtb'), createdAt: cloud.now(), tags, vpcId: vpc.id, ...tokenFacts(input) };
      const table = cloud.db.routeTables.put({ ...facts, routes, associations: [] });
      return { RouteTable: renderTable(table, cloud), ClientToken: input.ClientToken };
    },
  ),

  DeleteRouteTable: operation({ RouteTableId: z.string() }, (input, { cloud }) => {
    const table = require(cloud.db.routeTables, 'rtb', input.RouteTableId);
    if (table.associations.length > 0) {
      throw new CloudError(
        'DependencyViolation',
        `The routeTable '${table.id}' has dependencies and cannot be deleted.`,
      );
    }
    cloud.db.routeTables.remove(table.id);
    return undefined;
  }),

  CreateRoute: operation(
    { RouteTableId: z.string(), DestinationCidrBlock: z.string(), GatewayId: z.string() },
    (input, { cloud }) => {
      const table = require(cloud.db.routeTables, 'rtb', input.RouteTableId);
      const gateway = require(cloud.db.gateways, 'igw', input.GatewayId);
      parseCidr(input.DestinationCidrBlock);
      if (gateway.vpcId !== table.vpcId) {
        throw new CloudError(
          'InvalidParameterValue',
          `route table ${table.id} and network gateway ${gateway.id} belong to different networks`,
        );
      }
      if (table.routes.some(({ cidr }) => cidr === input.DestinationCidrBlock)) {
        throw new CloudError(
          'RouteAlreadyExists',
          `The route identified by ${input.DestinationCidrBlock} already exists.`,
        );
      }
      const route = { cidr: input.DestinationCidrBlock, gatewayId: gateway.id, origin: 'CreateRoute' as const };
      cloud.db.routeTables.put({ ...table, routes: [...table.routes, route] });
      return { Return: true };
    },
  ),

  DeleteRoute: operation({ RouteTableId: z.string(), DestinationCidrBlock: z.string() }, (input, { cloud }) => {
    const table = require(cloud.db.routeTables, 'rtb', input.RouteTableId);
    const routes = table.routes.filter(
      ({ cidr, origin }) => cidr !== input.DestinationCidrBlock || origin === 'CreateRouteTable',
    );
    if (routes.length === table.routes.length) {
      throw new CloudError(
        'InvalidRoute.NotFound',
        `no route with destination-cidr-block ${input.DestinationCidrBlock}`,
      );
    }
    cloud.db.routeTables.put({ ...table, routes });
    return undefined;
  }),

  AssociateRouteTable: operation({ RouteTableId: z.string(), SubnetId: z.string() }, (input, { cloud }) => {
    const table = require(cloud.db.routeTables, 'rtb', input.RouteTableId);
    const { id: subnetId } = require(cloud.db.subnets, 'subnet', input.SubnetId);
    if (
      cloud.db.routeTables.all().some(({ associations }) => associations.some((other) => other.subnetId === subnetId))
    ) {
      throw new CloudError('Resource.AlreadyAssociated', `the specified association for ${subnetId} exists already`);
    }
    const association = { id: newId('rtbassoc'), subnetId };
    cloud.db.routeTables.put({ ...table, associations: [...table.associations, association] });
    return { AssociationId: association.id, AssociationState: { State: 'associated' } };
  }),

  DisassociateRouteTable: operation({ AssociationId: z.string() }, (input, { cloud }) => {
    const table = cloud.db.routeTables
      .all()
      .find(({ associations }) => associations.some(({ id }) => id === input.AssociationId));
    if (table === undefined)
      throw new CloudError(
        'InvalidAssociationID.NotFound',
        `The association ID '${input.AssociationId}' does not exist`,
      );
    cloud.db.routeTables.put({
      ...table,
      associations: table.associations.filter(({ id }) => id !== input.AssociationId),
    });
    return undefined;
  }),

  DescribeRouteTables: operation(
    { RouteTableIds: z.array(z.string()).optional(), Filters: FilterList, ...PAGED },
    (input, { cloud }) => {
      const { items, NextToken } = describe({
        cloud,
        prefix: 'rtb',
        records: cloud.db.routeTables.all(),
        ids: input.RouteTableIds,
        filters: input.Filters,
        table: filters(cloud),
        page: input,
      });
      return { RouteTables: items.map((table) => renderTable(table, cloud)), NextToken };
    },
  ),
};

/** Whether 0.0.0.0/0 leaves this subnet through an internet gateway: by its own table, else by the VPC's main one. */
export function routesToInternet({ db }: Cloud, subnet: { readonly id: string; readonly vpcId: string }): boolean {
  const tables = db.routeTables.all().filter(({ vpcId }) => vpcId === subnet.vpcId);
  const own = tables.find(({ associations }) => associations.some(({ subnetId }) => subnetId === subnet.id));
  const table = own ?? tables.find(({ associations }) => associations.some(({ subnetId }) => subnetId === undefined));
  return (table?.routes ?? []).some(({ cidr, gatewayId }) => cidr === '0.0.0.0/0' && gatewayId.startsWith('igw-'));
}

function routeState({ gatewayId }: Route, { vpcId }: RouteTableRecord, { db }: Cloud) {
  const leads = gatewayId === 'local' || db.gateways.get(gatewayId)?.vpcId === vpcId;
  return leads ? ('active' as const) : ('blackhole' as const);
}

function renderTable(table: RouteTableRecord, cloud: Cloud): RouteTable {
  return {
    RouteTableId: table.id,
    VpcId: table.vpcId,
    OwnerId: cloud.settings.accountId,
    PropagatingVgws: [],
    Routes: table.routes.map((route) => ({
      DestinationCidrBlock: route.cidr,
      GatewayId: route.gatewayId,
      Origin: route.origin,
      State: routeState(route, table, cloud),
    })),
    Associations: table.associations.map(({ id, subnetId }) => ({
      RouteTableAssociationId: id,
      RouteTableId: table.id,
      Main: subnetId === undefined,
      ...(subnetId !== undefined && { SubnetId: subnetId }),
      AssociationState: { State: 'associated' },
    })),
    Tags: tagSet(table.tags),
  };
}
