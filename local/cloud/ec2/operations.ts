import { aclOperations } from './acls.ts';
import { consoleOperations } from './console.ts';
import { CreateImage } from './create-image.ts';
import { gatewayOperations } from './gateways.ts';
import { imageOperations } from './images.ts';
import { instanceAttributeOperations } from './instance-attributes.ts';
import { instanceOperations } from './instances.ts';
import { interfaceOperations } from './interfaces.ts';
import { noneHereOperations } from './none-here.ts';
import type { Operations } from './operation.ts';
import { regionOperations } from './regions.ts';
import { resourceAttributeOperations } from './resource-attributes.ts';
import { routeTableOperations } from './route-tables.ts';
import { RunInstances } from './run-instances.ts';
import { securityGroupOperations } from './security-groups.ts';
import { snapshotOperations } from './snapshots.ts';
import { subnetOperations } from './subnets.ts';
import { tagOperations } from './tags.ts';
import { volumeOperations } from './volumes.ts';
import { endpointOperations } from './vpc-endpoints.ts';
import { vpcOperations } from './vpcs.ts';

/** What the local cloud's `ec2` can do; every other action is refused by name. */
export const EC2_OPERATIONS: Operations = {
  ...vpcOperations,
  ...subnetOperations,
  ...gatewayOperations,
  ...routeTableOperations,
  ...securityGroupOperations,
  ...aclOperations,
  ...interfaceOperations,
  ...endpointOperations,
  ...regionOperations,
  ...tagOperations,
  ...volumeOperations,
  ...snapshotOperations,
  ...imageOperations,
  ...instanceOperations,
  ...instanceAttributeOperations,
  ...resourceAttributeOperations,
  ...consoleOperations,
  ...noneHereOperations,
  CreateImage,
  RunInstances,
};
