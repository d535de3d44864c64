/** What the cloud remembers, one interface per kind. Times are epoch milliseconds. */

export type Tags = Readonly<Record<string, string>>;

interface Tagged {
  readonly id: string;
  readonly createdAt: number;
  readonly tags: Tags;
}

export interface VpcRecord extends Tagged {
  readonly cidr: string;
  readonly dnsSupport: boolean;
  readonly dnsHostnames: boolean;
}

export interface SubnetRecord extends Tagged {
  readonly vpcId: string;
  readonly cidr: string;
  readonly zone: string;
}

export interface InternetGatewayRecord extends Tagged {
  readonly vpcId?: string;
}

export interface Route {
  readonly cidr: string;
  readonly gatewayId: string;
  readonly origin: 'CreateRouteTable' | 'CreateRoute';
}

export interface RouteTableRecord extends Tagged {
  readonly vpcId: string;
  readonly routes: readonly Route[];
  readonly associations: readonly { readonly id: string; readonly subnetId?: string }[];
  readonly clientToken?: string;
  readonly tokenHash?: string;
}

export interface GroupRule {
  readonly protocol: string;
  readonly fromPort?: number;
  readonly toPort?: number;
  readonly cidrs: readonly { readonly cidr: string; readonly description?: string }[];
  readonly cidrs6: readonly { readonly cidr: string; readonly description?: string }[];
  readonly groups: readonly { readonly groupId: string; readonly description?: string }[];
}

export interface SecurityGroupRecord extends Tagged {
  readonly vpcId: string;
  readonly name: string;
  readonly description: string;
  readonly ingress: readonly GroupRule[];
  readonly egress: readonly GroupRule[];
}

export interface AclEntry {
  readonly number: number;
  readonly egress: boolean;
  readonly allow: boolean;
  readonly protocol: string;
  readonly cidr: string;
  /** Only with protocol 6 (TCP). */
  readonly ports?: { readonly from: number; readonly to: number };
}

export interface NetworkAclRecord extends Tagged {
  readonly vpcId: string;
  readonly isDefault: boolean;
  readonly entries: readonly AclEntry[];
  readonly associations: readonly { readonly id: string; readonly subnetId: string }[];
  readonly clientToken?: string;
  readonly tokenHash?: string;
}

/** Of a machine, or of an endpoint. */
export interface InterfaceRecord extends Tagged {
  readonly instanceId?: string;
  readonly endpointId?: string;
  readonly subnetId: string;
  readonly vpcId: string;
  readonly privateIp: string;
  readonly mac: string;
  readonly groupIds: readonly string[];
  readonly attachmentId: string;
}

/** An interface endpoint: a service's door inside a network. */
export interface EndpointRecord extends Tagged {
  readonly vpcId: string;
  readonly serviceName: string;
  readonly subnetIds: readonly string[];
  readonly groupIds: readonly string[];
  readonly interfaceIds: readonly string[];
  readonly privateDns: boolean;
  /** JSON text, as it was given. */
  readonly policy: string;
  readonly clientToken?: string;
  readonly tokenHash?: string;
}

/** A machine whose agent has reached Systems Manager; `id` is `node/` and the instance's. */
export interface NodeRecord {
  readonly id: string;
  readonly instanceId: string;
  readonly registeredAt: number;
  readonly lastPingAt: number;
  readonly bootId: string;
}

export type InvocationStatus =
  | 'Pending'
  | 'InProgress'
  | 'Success'
  | 'Cancelling'
  | 'Cancelled'
  | 'Failed'
  | 'TimedOut';

/** One command on one machine. */
export interface InvocationRecord {
  readonly instanceId: string;
  readonly status: InvocationStatus;
  readonly details: string;
  /** -1: it has not ended, or never began. */
  readonly responseCode: number;
  /** The boot that was allowed to run it; nobody else ever is. */
  readonly bootId?: string;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly output: string;
  readonly error: string;
}

export interface CommandRecord {
  readonly id: string;
  readonly createdAt: number;
  readonly comment: string;
  readonly documentVersion: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  /** To be started within. */
  readonly timeoutSeconds: number;
  readonly executionSeconds: number;
  readonly invocations: readonly InvocationRecord[];
}

export interface KeyRecord {
  readonly id: string;
  readonly arn: string;
  readonly createdAt: number;
  readonly description: string;
  readonly state: 'Enabled' | 'Disabled' | 'PendingDeletion';
  readonly deletionAt?: number;
  /** base64, 32 bytes: the local cloud is not a safe. */
  readonly material: string;
  readonly tags: Tags;
  /** Made by the cloud for one of its services: nobody changes it, and only that service uses it. Default: a customer's. */
  readonly manager?: 'AWS';
}

/** Another name of a key; its id is that name, with `alias/`. */
export interface AliasRecord {
  readonly id: string;
  readonly keyId: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The disk side of a volume: `base` is the snapshot it stands on, `layers` are its qcow2 files, lowest first. */
export interface VolumeRecord extends Tagged {
  readonly sizeGiB: number;
  readonly zone: string;
  readonly type: string;
  readonly iops?: number;
  readonly throughput?: number;
  readonly multiAttach: boolean;
  readonly state: 'creating' | 'available' | 'in-use' | 'deleting';
  readonly snapshotId?: string;
  readonly encrypted: boolean;
  readonly kmsKeyArn?: string;
  readonly initializationRate?: number;
  readonly clientToken?: string;
  readonly tokenHash?: string;
  /** Snapshot whose content lies below layer 0; absent: zeros. */
  readonly base?: string;
  readonly layers: readonly string[];
  /** Those of the layers that `lineage` does not hold yet: what the next snapshot has to take up. */
  readonly unsaved: readonly string[];
  /** Number that the next layer's file gets; never used twice. */
  readonly nextLayer: number;
  /** Newest snapshot of this volume, or the one it was made from: the parent of the next. */
  readonly lineage?: string;
  readonly attachment?: {
    readonly instanceId: string;
    readonly device: string;
    readonly attachedAt: number;
    readonly deleteOnTermination: boolean;
  };
}

export interface SnapshotRecord extends Tagged {
  /** `capturing` is invisible: the machine may or may not have switched to the new layers yet. */
  readonly state: 'capturing' | 'pending' | 'completed' | 'error' | 'deleted';
  readonly stateMessage?: string;
  readonly origin: 'capture' | 'direct';
  readonly description: string;
  readonly volumeId: string;
  readonly sizeGiB: number;
  readonly startedAt: number;
  readonly completedAt?: number;
  readonly progress: number;
  readonly encrypted: boolean;
  readonly kmsKeyArn?: string;
  /** Lineage: changed blocks are relative to it. */
  readonly parentId?: string;
  /** Until completed: the frozen files that hold what changed since the parent, and the layer put on top of them. */
  readonly frozen?: { readonly layers: readonly string[]; readonly newLayer: string };
  /** Number of the latest listing; block tokens of earlier ones are dead under strictTokens. */
  readonly listing: number;
  /** Upload by StartSnapshot: its rules and what CompleteSnapshot announced. */
  readonly upload?: {
    readonly clientToken?: string;
    readonly tokenHash?: string;
    readonly timeoutMs: number;
    readonly lastWriteAt: number;
    readonly announced?: { readonly blocks: number; readonly checksum?: string; readonly at: number };
  };
}

export interface ImageMapping {
  readonly device: string;
  readonly snapshotId?: string;
  readonly sizeGiB: number;
  readonly type: string;
  readonly iops?: number;
  readonly throughput?: number;
  readonly deleteOnTermination: boolean;
  readonly virtualName?: string;
}

export interface ImageRecord extends Tagged {
  readonly name: string;
  readonly description?: string;
  readonly architecture: string;
  readonly virtualization: string;
  readonly rootDevice: string;
  readonly enaSupport: boolean;
  readonly sriov?: string;
  readonly bootMode?: string;
  readonly imdsSupport?: string;
  /** Made by CreateImage: the machine that it is an image of. */
  readonly sourceInstanceId?: string;
  readonly mappings: readonly ImageMapping[];
}

export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';

export interface InstanceRecord extends Tagged {
  readonly reservationId: string;
  readonly accessKeyId: string;
  readonly clientToken?: string;
  readonly tokenHash?: string;
  readonly imageId: string;
  readonly type: string;
  readonly architecture: string;
  readonly virtualization: string;
  readonly enaSupport: boolean;
  readonly bootMode?: string;
  readonly rootDevice: string;
  readonly ebsOptimized: boolean;
  readonly hibernation: boolean;
  /** Set by the control API only: what a marketplace or a Windows machine would show. */
  readonly productCodes?: readonly string[];
  readonly platform?: 'windows';
  /** Name of its instance profile: what its agent is somebody by. */
  readonly profile?: string;
  readonly subnetId: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly privateIp: string;
  readonly interfaceId: string;
  readonly volumeIds: readonly string[];
  /** Instance store devices of the image: reported, never provided with content. */
  readonly ephemeral: readonly { readonly device: string; readonly virtualName: string }[];
  readonly state: InstanceState;
  readonly stateReason?: { readonly code: string; readonly message: string };
  readonly transitionReason: string;
  readonly stateChangedAt: number;
  readonly launchedAt: number;
  readonly shutdownBehavior: 'stop' | 'terminate';
  readonly apiTermination: boolean;
  readonly userData?: string;
  readonly httpTokens: 'optional' | 'required';
  readonly hopLimit: number;
  /** StopInstances or TerminateInstances outstanding: decides the state reason, whatever the guest does. */
  readonly ending?: { readonly kind: 'stop' | 'terminate'; readonly at: number; readonly hard: boolean };
  /** The guest reached S5 by itself; set until the end is settled. */
  readonly poweredOffByGuest?: boolean;
  readonly process?: { readonly pid: number; readonly startTicks: string };
  /** Guest port -> host port, kept over restarts. */
  readonly ports: Readonly<Record<string, number>>;
  /** Bytes of the serial file that GetConsoleOutput without Latest shows. */
  readonly consolePosted: number;
  readonly consolePostedAt?: number;
}
