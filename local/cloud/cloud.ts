import type { CallLog } from './calls.ts';
import type { Machines } from './machines/machines.ts';
import type {
  AliasRecord,
  CommandRecord,
  EndpointRecord,
  ImageRecord,
  InstanceRecord,
  InterfaceRecord,
  InternetGatewayRecord,
  KeyRecord,
  NetworkAclRecord,
  NodeRecord,
  RouteTableRecord,
  SecurityGroupRecord,
  SnapshotRecord,
  SubnetRecord,
  Tags,
  VolumeRecord,
  VpcRecord,
} from './records.ts';
import type { Settings } from './settings.ts';
import type { SnapshotWorks } from './storage/snapshot-works.ts';
import type { Collection, Store } from './store.ts';

/** Everything an operation may reach. One per process. */
export interface Cloud {
  readonly settings: Settings;
  /** Absolute; the process's working directory too, so that socket paths stay short. */
  readonly stateDir: string;
  /** Random per state folder: signs tokens, so that they outlive the process without being stored. */
  readonly secret: string;
  readonly store: Store;
  readonly now: () => number;
  readonly db: Records;
  readonly calls: CallLog;
  readonly machines: Machines;
  readonly snapshots: SnapshotWorks;
}

export interface Records {
  readonly vpcs: Collection<VpcRecord>;
  readonly subnets: Collection<SubnetRecord>;
  readonly gateways: Collection<InternetGatewayRecord>;
  readonly routeTables: Collection<RouteTableRecord>;
  readonly groups: Collection<SecurityGroupRecord>;
  readonly acls: Collection<NetworkAclRecord>;
  readonly interfaces: Collection<InterfaceRecord>;
  readonly volumes: Collection<VolumeRecord>;
  readonly snapshots: Collection<SnapshotRecord>;
  readonly images: Collection<ImageRecord>;
  readonly instances: Collection<InstanceRecord>;
  readonly keys: Collection<KeyRecord>;
  readonly aliases: Collection<AliasRecord>;
  readonly endpoints: Collection<EndpointRecord>;
  readonly nodes: Collection<NodeRecord>;
  readonly commands: Collection<CommandRecord>;
}

export function openRecords(store: Store): Records {
  return {
    vpcs: store.collection('vpc'),
    subnets: store.collection('subnet'),
    gateways: store.collection('internet-gateway'),
    routeTables: store.collection('route-table'),
    groups: store.collection('security-group'),
    acls: store.collection('network-acl'),
    interfaces: store.collection('network-interface'),
    volumes: store.collection('volume'),
    snapshots: store.collection('snapshot'),
    images: store.collection('image'),
    instances: store.collection('instance'),
    keys: store.collection('key'),
    aliases: store.collection('key-alias'),
    endpoints: store.collection('vpc-endpoint'),
    nodes: store.collection('managed-node'),
    commands: store.collection('command'),
  };
}

/** What every EC2 resource has; enough for tags, denials and generic look-ups. */
export interface TaggedRecord {
  readonly id: string;
  readonly createdAt: number;
  readonly tags: Tags;
}

export type TaggedCollection = Pick<Collection<TaggedRecord>, 'get' | 'all'> & {
  update(id: string, change: { tags: Tags }): unknown;
};

/** The collection that holds ids with this prefix. */
export function collectionOf(db: Records, prefix: string): TaggedCollection | undefined {
  const byPrefix: Readonly<Record<string, TaggedCollection>> = {
    i: db.instances,
    vol: db.volumes,
    snap: db.snapshots,
    ami: db.images,
    vpc: db.vpcs,
    subnet: db.subnets,
    igw: db.gateways,
    rtb: db.routeTables,
    sg: db.groups,
    acl: db.acls,
    eni: db.interfaces,
    vpce: db.endpoints,
  };
  return byPrefix[prefix];
}
