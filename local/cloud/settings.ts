import { readFileSync } from 'node:fs';
import { z } from 'zod';

const Milliseconds = z.int().min(0);

/** Who may call. Names serve people and denials; the pair is what a client signs with. */
const AccessKey = z.strictObject({
  name: z.string().min(1),
  accessKeyId: z.string().min(4),
  secretAccessKey: z.string().min(8),
});

const InstanceType = z.strictObject({
  vcpus: z.int().min(1),
  memoryMiB: z.int().min(128),
  /** Only reported, for tests of what a backup must refuse: machines here have no instance store. */
  instanceStorageGiB: z.int().min(1).optional(),
});

/** Everything a person may choose about a local cloud. Defaults behave like AWS, only faster. */
export const Settings = z.strictObject({
  region: z.string().default('local-1'),
  zones: z.array(z.string()).min(1).default(['local-1a', 'local-1b']),
  accountId: z
    .string()
    .regex(/^\d{12}$/)
    .default('000000000000'),
  keys: z.array(AccessKey).min(1),
  qemu: z
    .strictObject({
      system: z.string().default('qemu-system-x86_64'),
      img: z.string().default('qemu-img'),
      accel: z.string().default('tcg,thread=multi'),
      cpu: z.string().default('qemu64'),
    })
    .prefault({}),
  /** A busybox with nc: QEMU starts it once per connection from a guest to the metadata service or the ledger (2 ms). */
  relay: z.string().default('/bin/busybox'),
  /** Host port of the "outside" that guests see as 203.0.113.10:8080; the control API can set it later. */
  ledgerPort: z.int().min(1).max(65535).optional(),
  /** Sizes are what QEMU gives: two cores carry several machines only if each stays small. */
  instanceTypes: z.record(z.string(), InstanceType).default({
    't3.micro': { vcpus: 1, memoryMiB: 384 },
    't3.small': { vcpus: 1, memoryMiB: 512 },
    't3.medium': { vcpus: 1, memoryMiB: 768 },
    't3.large': { vcpus: 2, memoryMiB: 1024 },
  }),
  /** EC2 waits "a few minutes" after the power button before it cuts power. */
  stopGraceMs: Milliseconds.default(120_000),
  /** AWS refuses signatures older or newer than 5 minutes. */
  clockSkewMs: Milliseconds.default(300_000),
  /** New machines, volumes, snapshots and images stay invisible to Describe calls that list or filter for so long. */
  describeLagMs: Milliseconds.default(100),
  /**
   * And to those that name them by id. AWS promises nothing here either; but its answers take longer than this cloud's, so
   * a client's waiter, which ends at the first NotFound, knows what its client has made.
   */
  lookupLagMs: Milliseconds.default(0),
  snapshots: z
    .strictObject({
      /** At least so long `pending`. */
      pendingMs: Milliseconds.default(200),
      /** SnapshotCreationPerVolumeRateExceeded below this distance (AWS: 15 s). */
      spacingMs: Milliseconds.default(15_000),
      maxPendingPerVolume: z.int().min(1).default(5),
    })
    .prefault({}),
  ebs: z
    .strictObject({
      /** Listing a snapshot again ends the tokens of the listing before. */
      strictTokens: z.boolean().default(true),
      blockTokenMs: Milliseconds.default(7 * 24 * 3_600_000),
      pageTokenMs: Milliseconds.default(3_600_000),
      /** Every listing begins with an empty page that carries a NextToken, which AWS may do at any time. */
      emptyPages: z.boolean().default(false),
      /** Whether snapshots of sibling volumes (a shared ancestor) count as related. */
      relateSiblings: z.boolean().default(false),
      /** After StartSnapshot, puts answer ResourceNotFoundException for so long. */
      notFoundAfterStartMs: Milliseconds.default(0),
      /** From a block's request to its answer; AWS reckons with 100 ms ("Optimize performance" of the EBS direct APIs). */
      blockLatencyMs: Milliseconds.default(0),
      /** How long a completed upload is checked before it turns `completed` or `error`. */
      checkMs: Milliseconds.default(200),
    })
    .prefault({}),
  /** Names that RunInstances takes as instance profiles: there is no IAM here that could make one. */
  instanceProfiles: z.array(z.string()).default(['understudy-isolated']),
  /** How long a new interface endpoint is `pending`. */
  endpointPendingMs: Milliseconds.default(200),
  ssm: z
    .strictObject({
      /** After SendCommand, lists and GetCommandInvocation do not know the command for so long. */
      invocationLagMs: Milliseconds.default(300),
      /** A node is Online for so long after its agent was last heard: also when it is off by then. */
      onlineMs: Milliseconds.default(300_000),
    })
    .prefault({}),
  /** Token buckets per action ("ec2:RunInstances", "ebs:GetSnapshotBlock"); none by default. */
  throttle: z
    .record(z.string(), z.strictObject({ capacity: z.int().min(1), perSecond: z.number().positive() }))
    .default({}),
  /** False skips fdatasync for guest flushes: faster, safe against killed processes, not against a host's power cut. */
  flushToDisk: z.boolean().default(true),
});
export type Settings = z.output<typeof Settings>;
export type SettingsInput = z.input<typeof Settings>;

/** Throws with the path of the wrong field. */
export function readSettings(file: string): Settings {
  const parsed = Settings.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`);
  throw new Error(`settings of the local cloud in ${file} are invalid: ${issues.join('; ')}`);
}
