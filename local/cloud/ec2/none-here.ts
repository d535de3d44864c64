import { z } from 'zod';
import { CloudError } from '../cloud-error.ts';
import { refuseUnknownFilters } from './filters.ts';
import { FilterList, type Operation, type Operations, operation, PAGED } from './operation.ts';

interface Kind {
  /** Member of the answer that lists them. */
  readonly member: string;
  /** Members of the request that name some, with EC2's error for a name that does not exist. */
  readonly names: Readonly<Record<string, string>>;
  readonly filters: readonly string[];
  readonly filterMember?: string;
  readonly also?: z.ZodRawShape;
}

/** Describes a kind that nobody can create here: the true answer is always none. */
export function noneOf({ member, names, filters, filterMember = 'Filters', also = PAGED }: Kind): Operation {
  const ids = Object.fromEntries(Object.keys(names).map((name) => [name, z.array(z.string()).optional()]));
  return operation({ ...ids, [filterMember]: FilterList, ...also }, (input) => {
    const given = input as { readonly [name: string]: unknown };
    refuseUnknownFilters(FilterList.parse(given[filterMember]) ?? [], filters);
    for (const [name, code] of Object.entries(names)) {
      const [id] = (given[name] ?? []) as readonly string[];
      if (id !== undefined) throw new CloudError(code, `'${id}' does not exist`);
    }
    return { [member]: [] };
  });
}

/** What clients look at beside machines, disks and snapshots. */
export const noneHereOperations: Operations = {
  DescribeAddresses: noneOf({
    member: 'Addresses',
    names: { AllocationIds: 'InvalidAllocationID.NotFound', PublicIps: 'InvalidAddress.NotFound' },
    filters: [
      'allocation-id',
      'association-id',
      'instance-id',
      'network-border-group',
      'network-interface-id',
      'network-interface-owner-id',
      'private-ip-address',
      'public-ip',
    ],
    also: {},
  }),
  DescribeFastSnapshotRestores: noneOf({
    member: 'FastSnapshotRestores',
    names: {},
    filters: ['availability-zone', 'availability-zone-id', 'owner-id', 'snapshot-id', 'state'],
  }),
  DescribeKeyPairs: noneOf({
    member: 'KeyPairs',
    names: { KeyNames: 'InvalidKeyPair.NotFound', KeyPairIds: 'InvalidKeyPair.NotFound' },
    filters: ['fingerprint', 'key-name', 'key-pair-id'],
    also: { IncludePublicKey: z.boolean().optional() },
  }),
  DescribePlacementGroups: noneOf({
    member: 'PlacementGroups',
    names: { GroupIds: 'InvalidPlacementGroup.Unknown', GroupNames: 'InvalidPlacementGroup.Unknown' },
    filters: ['group-arn', 'group-name', 'spread-level', 'state', 'strategy'],
    also: {},
  }),
  // Nobody can change this region's default.
  GetEbsEncryptionByDefault: operation({}, () => ({ EbsEncryptionByDefault: false })),
  GetEbsDefaultKmsKeyId: operation({}, () => ({ KmsKeyId: 'alias/aws/ebs' })),
};
