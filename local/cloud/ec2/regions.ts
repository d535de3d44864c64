import { z } from 'zod';
import { CloudError } from '../cloud-error.ts';
import type { Settings } from '../settings.ts';
import { type FilterTable, matchesFilters, noneHas, refuseUnknownFilters } from './filters.ts';
import { instanceTypeFilters, type Named, renderType } from './instance-types.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';
import { paginate } from './pages.ts';

function zoneFilters({ region }: Settings): FilterTable<Named> {
  return {
    'group-name': () => [region],
    'opt-in-status': () => ['opt-in-not-required'],
    'region-name': () => [region],
    state: () => ['available'],
    'zone-id': ({ name }) => [name],
    'zone-name': ({ name }) => [name],
    'zone-type': () => ['availability-zone'],
    ...noneHas('group-long-name', 'message', 'parent-zone-id', 'parent-zone-name'),
  };
}

const REGION_FILTERS: FilterTable<Named> = {
  endpoint: ({ name }) => [endpointOf(name)],
  'opt-in-status': () => ['opt-in-not-required'],
  'region-name': ({ name }) => [name],
};

const OFFERING_FILTERS: FilterTable<Named & { location: string }> = {
  'instance-type': ({ name }) => [name],
  location: ({ location }) => [location],
};

export const regionOperations: Operations = {
  DescribeRegions: operation(
    { RegionNames: z.array(z.string()).optional(), AllRegions: z.boolean().optional(), Filters: FilterList },
    (input, { cloud }) => {
      const { region } = cloud.settings;
      const other = input.RegionNames?.find((name) => name !== region);
      if (other !== undefined) throw new CloudError('InvalidParameterValue', `Invalid region: ${other}`);
      refuseUnknownFilters(input.Filters ?? [], Object.keys(REGION_FILTERS));
      const found = matchesFilters({ name: region, tags: {} }, input.Filters ?? [], REGION_FILTERS);
      const shown = { RegionName: region, Endpoint: endpointOf(region), OptInStatus: 'opt-in-not-required' };
      return { Regions: found ? [shown] : [] };
    },
  ),

  DescribeAvailabilityZones: operation(
    {
      ZoneNames: z.array(z.string()).optional(),
      ZoneIds: z.array(z.string()).optional(),
      AllAvailabilityZones: z.boolean().optional(),
      Filters: FilterList,
    },
    (input, { cloud }) => {
      const table = zoneFilters(cloud.settings);
      refuseUnknownFilters(input.Filters ?? [], Object.keys(table));
      const named = input.ZoneNames ?? input.ZoneIds; // a zone's id is its name here
      const unknown = named?.find((name) => !cloud.settings.zones.includes(name));
      if (unknown !== undefined)
        throw new CloudError('InvalidParameterValue', `Invalid availability zone: [${unknown}]`);
      const zones = cloud.settings.zones
        .filter((name) => named?.includes(name) ?? true)
        .filter((name) => matchesFilters({ name, tags: {} }, input.Filters ?? [], table));
      return {
        AvailabilityZones: zones.map((ZoneName) => ({
          ZoneName,
          ZoneId: ZoneName,
          RegionName: cloud.settings.region,
          GroupName: cloud.settings.region,
          NetworkBorderGroup: cloud.settings.region,
          Messages: [],
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
      const table = instanceTypeFilters(cloud.settings);
      refuseUnknownFilters(input.Filters ?? [], Object.keys(table));
      const unknown = input.InstanceTypes?.find((name) => !Object.hasOwn(cloud.settings.instanceTypes, name));
      if (unknown !== undefined)
        throw new CloudError('InvalidInstanceType', `The following supplied instance types do not exist: [${unknown}]`);
      const names = Object.keys(cloud.settings.instanceTypes)
        .filter((name) => input.InstanceTypes === undefined || input.InstanceTypes.includes(name))
        .filter((name) => matchesFilters({ name, tags: {} }, input.Filters ?? [], table))
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

function endpointOf(region: string): string {
  return `ec2.${region}.amazonaws.com`;
}
