/** Facts about one machine, as far as they matter for launching its like. Platform-neutral names, JSON-safe. */
export interface MachineFacts {
  readonly machineId: string;
  readonly accountId: string;
  readonly region: string;
  readonly zone: string;
  readonly state: string;
  readonly instanceType: string;
  readonly privateAddress?: string;
  readonly networkId: string;
  readonly subnetId: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly boot: BootFacts;
  readonly volumes: readonly VolumeFacts[];
  /** Devices that no capture holds (instance store), by device name. */
  readonly uncapturedDevices: readonly string[];
  readonly productCodes: readonly string[];
}

/** What an image must say so that the machine boots as its source does. */
export interface BootFacts {
  readonly architecture: string;
  readonly virtualization: string;
  readonly rootDeviceName: string;
  readonly bootMode?: string;
  readonly enaSupport: boolean;
  readonly tpmSupport?: string;
  /** Base64 of the UEFI variables; only where the source has any. */
  readonly uefiData?: string;
  readonly platformDetails: string;
  readonly metadataTokens: 'required' | 'optional';
}

export interface VolumeFacts {
  readonly volumeId: string;
  readonly deviceName: string;
  readonly bytes: number;
  readonly type: string;
  readonly iops?: number;
  readonly throughput?: number;
  readonly encrypted: boolean;
  readonly kmsKeyId?: string;
  readonly multiAttach: boolean;
  readonly root: boolean;
}

export interface SnapshotFacts {
  readonly snapshotId: string;
  /** The production volume it descends from, also for snapshots of a clone's volumes. */
  readonly sourceVolumeId: string;
  /** The volume it was taken of. */
  readonly volumeId: string;
  readonly bytes: number;
  readonly state: 'pending' | 'completed' | 'error';
  readonly percent: number;
  readonly encrypted: boolean;
}

/** The multi-volume snapshot of production: one instant for all volumes. */
export interface Capture {
  /** ISO 8601 with milliseconds: the recovery point's time. */
  readonly startTime: string;
  readonly snapshots: readonly SnapshotFacts[];
}

/** A machine of ours: a clone, or one restored for verification. */
export interface OwnMachine {
  readonly machineId: string;
  readonly imageId: string;
  readonly role: 'clone' | 'verify';
  readonly attempt: number;
  readonly instanceType: string;
  readonly zone: string;
  readonly privateAddress?: string;
  /** Its script comes as a command of the platform instead of as user data. */
  readonly channel?: 'run-command';
  /** By source volume id: the machine's own volume. The scratch volume, where it has one, stands under `scratch`. */
  readonly volumes: Readonly<Record<string, string>>;
}

/** A machine that was restored for people: it stays until one of them removes it. */
export interface RestoredMachine extends Omit<OwnMachine, 'role' | 'attempt' | 'imageId'> {
  readonly subnetId: string;
}

/** A new volume with what a source volume held. */
export interface RestoredVolume {
  readonly sourceVolumeId: string;
  readonly volumeId: string;
  readonly zone: string;
  readonly bytes: number;
  readonly type: string;
}

/** What the platform says of a machine of ours right now. */
export interface Observation {
  readonly state: 'pending' | 'running' | 'stopping' | 'stopped' | 'terminated';
  /** `Client.InstanceInitiatedShutdown` = the guest powered itself off. */
  readonly reasonCode?: string;
  readonly reasonMessage?: string;
}
