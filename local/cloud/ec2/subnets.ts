import type { Subnet } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError, invalidValue } from '../cloud-error.ts';
import { newId } from '../ids.ts';
import type { SubnetRecord } from '../records.ts';
import { contains, formatAddress, overlaps, parseAddress, parseCidr } from './cidr.ts';
import { describe, require, tagSet } from './describe.ts';
import { type FilterTable, noneHas, ownedBy } from './filters.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';
import { TagSpecifications, tagsFor } from './tag-specifications.ts';

/** Network address, router, resolver, future use; and broadcast at the end. */
const RESERVED_AT_START = 4;
const RESERVED = 5;

function filters(cloud: Cloud): FilterTable<SubnetRecord> {
  const cidr = ({ cidr }: SubnetRecord) => [cidr];
  const zone = ({ zone }: SubnetRecord) => [zone];
  return {
    'availability-zone': zone,
    availabilityZone: zone,
    'availability-zone-id': zone,
    availabilityZoneId: zone,
    'available-ip-address-count': (subnet) => [freeAddresses(subnet, cloud)],
    'cidr-block': cidr,
    cidr,
    cidrBlock: cidr,
    'default-for-az': () => [false],
    defaultForAz: () => [false],
    'enable-dns64': () => [false],
    'ipv6-native': () => [false],
    'map-customer-owned-ip-on-launch': () => [false],
    'map-public-ip-on-launch': () => [false],
    ...ownedBy(cloud.settings.accountId),
    state: () => ['available'],
    'subnet-arn': ({ id }) => [subnetArn(id, cloud)],
    'subnet-id': ({ id }) => [id],
    'vpc-id': ({ vpcId }) => [vpcId],
    ...noneHas('customer-owned-ipv4-pool', 'enable-lni-at-device-index', 'outpost-arn'),
    ...noneHas('ipv6-cidr-block-association.association-id', 'ipv6-cidr-block-association.state'),
    ...noneHas('ipv6-cidr-block-association.ipv6-cidr-block', 'private-dns-name-options-on-launch.hostname-type'),
    ...noneHas('private-dns-name-options-on-launch.enable-resource-name-dns-a-record'),
    ...noneHas('private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record'),
  };
}

export const subnetOperations: Operations = {
  CreateSubnet: operation(
    { VpcId: z.string(), CidrBlock: z.string(), AvailabilityZone: z.string().optional(), TagSpecifications },
    (input, { cloud }) => {
      const vpc = require(cloud.db.vpcs, 'vpc', input.VpcId);
      const cidr = parseCidr(input.CidrBlock);
      if (!contains(parseCidr(vpc.cidr), cidr) || cidr.prefix > 28) {
        throw new CloudError('InvalidSubnet.Range', `The CIDR '${input.CidrBlock}' is invalid.`);
      }
      const siblings = cloud.db.subnets.all().filter(({ vpcId }) => vpcId === vpc.id);
      if (siblings.some((other) => overlaps(parseCidr(other.cidr), cidr))) {
        throw new CloudError('InvalidSubnet.Conflict', `The CIDR '${input.CidrBlock}' conflicts with another subnet`);
      }
      const zone = input.AvailabilityZone ?? cloud.settings.zones[0] ?? '';
      if (!cloud.settings.zones.includes(zone)) throw invalidValue('availabilityZone', zone);
      const tags = tagsFor(input.TagSpecifications, 'subnet');
      const id = newId('subnet');
      const subnet = { id, createdAt: cloud.now(), tags, vpcId: vpc.id, cidr: input.CidrBlock, zone };
      const acl = cloud.db.acls.all().find(({ vpcId, isDefault }) => vpcId === vpc.id && isDefault);
      cloud.store.together(() => {
        cloud.db.subnets.put(subnet);
        if (acl === undefined) return;
        const associations = [...acl.associations, { id: newId('aclassoc'), subnetId: id }];
        cloud.db.acls.put({ ...acl, associations });
      });
      return { Subnet: renderSubnet(subnet, cloud) };
    },
  ),

  DeleteSubnet: operation({ SubnetId: z.string() }, (input, { cloud }) => {
    const { db } = cloud;
    const { id } = require(db.subnets, 'subnet', input.SubnetId);
    if (db.interfaces.all().some(({ subnetId }) => subnetId === id)) {
      throw new CloudError('DependencyViolation', `The subnet '${id}' has dependencies and cannot be deleted.`);
    }
    cloud.store.together(() => {
      for (const acl of db.acls.all()) {
        db.acls.put({ ...acl, associations: acl.associations.filter(({ subnetId }) => subnetId !== id) });
      }
      for (const table of db.routeTables.all()) {
        db.routeTables.put({ ...table, associations: table.associations.filter(({ subnetId }) => subnetId !== id) });
      }
      db.subnets.remove(id);
    });
    return undefined;
  }),

  DescribeSubnets: operation(
    { SubnetIds: z.array(z.string()).optional(), Filters: FilterList, ...PAGED },
    (input, { cloud }) => {
      const { items, NextToken } = describe({
        cloud,
        prefix: 'subnet',
        records: cloud.db.subnets.all(),
        ids: input.SubnetIds,
        filters: input.Filters,
        table: filters(cloud),
        page: input,
      });
      return { Subnets: items.map((subnet) => renderSubnet(subnet, cloud)), NextToken };
    },
  ),
};

/** The address asked for if it is free and not reserved, else the lowest free one. */
export function chooseAddress({ db }: Cloud, subnet: SubnetRecord, wanted: string | undefined): string {
  const { first, size } = parseCidr(subnet.cidr);
  const taken = new Set(
    db.interfaces
      .all()
      .filter(({ subnetId }) => subnetId === subnet.id)
      .map(({ privateIp }) => privateIp),
  );
  const [low, high] = [first + RESERVED_AT_START, first + size - 2];
  if (wanted !== undefined) {
    const address = parseAddress(wanted);
    if (address === undefined || address < low || address > high) {
      throw new CloudError(
        'InvalidParameterValue',
        `Address ${wanted} does not fall within the subnet's address range`,
      );
    }
    if (taken.has(wanted)) throw new CloudError('InvalidIPAddress.InUse', `Address ${wanted} is in use.`);
    return wanted;
  }
  for (let address = low; address <= high; address++) {
    if (!taken.has(formatAddress(address))) return formatAddress(address);
  }
  throw new CloudError('InsufficientFreeAddressesInSubnet', `No free address in ${subnet.id}`);
}

function freeAddresses({ id, cidr }: SubnetRecord, { db }: Cloud): number {
  const used = db.interfaces.all().filter(({ subnetId }) => subnetId === id).length;
  return parseCidr(cidr).size - RESERVED - used;
}

function subnetArn(id: string, { settings }: Cloud): string {
  return `arn:aws:ec2:${settings.region}:${settings.accountId}:subnet/${id}`;
}

function renderSubnet(subnet: SubnetRecord, cloud: Cloud): Subnet {
  return {
    SubnetId: subnet.id,
    VpcId: subnet.vpcId,
    CidrBlock: subnet.cidr,
    AvailabilityZone: subnet.zone,
    AvailabilityZoneId: subnet.zone,
    State: 'available',
    OwnerId: cloud.settings.accountId,
    SubnetArn: subnetArn(subnet.id, cloud),
    AvailableIpAddressCount: freeAddresses(subnet, cloud),
    MapPublicIpOnLaunch: false,
    AssignIpv6AddressOnCreation: false,
    DefaultForAz: false,
    Ipv6CidrBlockAssociationSet: [],
    Tags: tagSet(subnet.tags),
  };
}
