import type { InstanceTypeInfo } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import { CloudError } from '../cloud-error.ts';
import type { Settings } from '../settings.ts';
import { type FilterTable, matchesFilters, refuseUnknownFilters } from './filters.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';
import { paginate } from './pages.ts';

interface Named {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

const ZONE_FILTERS: FilterTable<Named> = {
  'zone-name': ({ name }) => [name],
  state: () => ['available'],
  'zone-type': () => ['availability-zone'],
};
const TYPE_FILTERS: FilterTable<Named> = {
  'instance-type': ({ name }) => [name],
  'processor-info.supported-architecture': () => ['x86_64'],
  'supported-boot-mode': () => ['legacy-bios'],
  'current-generation': () => [true],
};
const OFFERING_FILTERS: FilterTable<Named & { location: string }> = {
  'instance-type': ({ name }) => [name],
  location: ({ location }) => [location],
};

export const regionOperations: Operations = {
  DescribeRegions: operation(
    { RegionNames: z.array(z.string()).optional(), AllRegions: z.boolean().optional() },
    (input, { cloud }) => {
      const { region } = cloud.settings;
      const other = input.RegionNames?.find((name) => name !== region);
      if (other !== undefined) throw new CloudError('InvalidParameterValue', `Invalid region: ${other}`);
      return {
        Regions: [{ RegionName: region, Endpoint: `ec2.${region}.amazonaws.com`, OptInStatus: 'opt-in-not-required' }],
      };
    },
  ),

  DescribeAvailabilityZones: operation(
    { ZoneNames: z.array(z.string()).optional(), Filters: FilterList },
    (input, { cloud }) => {
      refuseUnknownFilters(input.Filters ?? [], Object.keys(ZONE_FILTERS));
      const unknown = input.ZoneNames?.find((name) => !cloud.settings.zones.includes(name));
      if (unknown !== undefined)
        throw new CloudError('InvalidParameterValue', `Invalid availability zone: [${unknown}]`);
      const zones = cloud.settings.zones
        .filter((name) => input.ZoneNames?.includes(name) ?? true)
        .filter((name) => matchesFilters({ name, tags: {} }, input.Filters ?? [], ZONE_FILTERS));
      return {
        AvailabilityZones: zones.map((ZoneName) => ({
          ZoneName,
          ZoneId: ZoneName,
          RegionName: cloud.settings.region,
          State: 'available',
          ZoneType: 'availability-zone',
          OptInStatus: 'opt-in-not-required',
        })),
      };
    },
  ),

  DescribeInstanceTypes: operation(
    { InstanceTypes: z.array(z.string()).optional(), Filters: FilterList, ...PAGED },
    (input, { cloud }) => {
      refuseUnknownFilters(input.Filters ?? [], Object.keys(TYPE_FILTERS));
      const unknown = input.InstanceTypes?.find((name) => !Object.hasOwn(cloud.settings.instanceTypes, name));
      if (unknown !== undefined)
        throw new CloudError('InvalidInstanceType', `The following supplied instance types do not exist: [${unknown}]`);
      const names = Object.keys(cloud.settings.instanceTypes)
        .filter((name) => input.InstanceTypes === undefined || input.InstanceTypes.includes(name))
        .filter((name) => matchesFilters({ name, tags: {} }, input.Filters ?? [], TYPE_FILTERS))
        .sort();
      const { items, NextToken } = paginate(names, input, (name) => name);
      return { InstanceTypes: items.map((name) => renderType(name, cloud.settings)), NextToken };
    },
  ),

  DescribeInstanceTypeOfferings: operation(
    { LocationType: z.enum(['region', 'availability-zone']).default('region'), Filters: FilterList, ...PAGED },
    (input, { cloud }) => {
      refuseUnknownFilters(input.Filters ?? [], Object.keys(OFFERING_FILTERS));
      const locations = input.LocationType === 'region' ? [cloud.settings.region] : cloud.settings.zones;
      const rows = Object.keys(cloud.settings.instanceTypes)
        .flatMap((name) => locations.map((location) => ({ name, location, tags: {} })))
        .filter((row) => matchesFilters(row, input.Filters ?? [], OFFERING_FILTERS));
      const keyOf = ({ name, location }: { name: string; location: string }) => `${name}/${location}`;
      const { items, NextToken } = paginate(
        rows.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
        input,
        keyOf,
      );
      const offerings = items.map(({ name, location }) => ({
        InstanceType: name,
        LocationType: input.LocationType,
        Location: location,
      }));
      return { InstanceTypeOfferings: offerings, NextToken };
    },
  ),
};

function renderType(name: string, { instanceTypes }: Settings): InstanceTypeInfo {
  const { vcpus = 1, memoryMiB = 512, instanceStorageGiB } = instanceTypes[name] ?? {};
  return {
    InstanceType: name as NonNullable<InstanceTypeInfo['InstanceType']>,
    CurrentGeneration: true,
    BareMetal: false,
    Hypervisor: 'nitro',
    ProcessorInfo: { SupportedArchitectures: ['x86_64'] },
    VCpuInfo: { DefaultVCpus: vcpus },
    MemoryInfo: { SizeInMiB: memoryMiB },
    InstanceStorageSupported: instanceStorageGiB !== undefined,
    ...(instanceStorageGiB !== undefined && { InstanceStorageInfo: { TotalSizeInGB: instanceStorageGiB } }),
    EbsInfo: { EbsOptimizedSupport: 'default', EncryptionSupport: 'supported', NvmeSupport: 'required' },
    NetworkInfo: {
      EnaSupport: 'required',
      MaximumNetworkInterfaces: 1,
      Ipv4AddressesPerInterface: 1,
      Ipv6Supported: false,
    },
    SupportedBootModes: ['legacy-bios'],
    SupportedRootDeviceTypes: ['ebs'],
    SupportedUsageClasses: ['on-demand'],
    SupportedVirtualizationTypes: ['hvm'],
    HibernationSupported: false,
  };
}
