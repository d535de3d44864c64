import { z } from 'zod';
import { BackupRequest } from '../contract/backup-request.ts';
import { ConfiguredName, InstanceId } from '../contract/names.ts';
import { LimitsConfig } from './limits.ts';

const VaultConfig = z.strictObject({
  /** `s3://bucket/prefix` or `file:///folder`. */
  url: z.string().regex(/^(s3:\/\/[^/]+|file:\/\/\/).*$/, 'must be s3://bucket/prefix or file:///folder'),
  /** KMS key (id, ARN or alias) that wraps the vault's roots. */
  kmsKeyId: z.string().min(1),
});

const IsolationConfig = z.strictObject({
  kind: z.literal('sealed').default('sealed'),
  vpcId: z.string().regex(/^vpc-/),
  subnetId: z.string().regex(/^subnet-/),
  verifySubnetId: z.string().regex(/^subnet-/),
  securityGroupId: z.string().regex(/^sg-/),
  /** Proof lines that your credentials cannot read and that you have checked by other means. */
  acceptNotChecked: z.array(z.string()).default([]),
  fallbackInstanceTypes: z.array(z.string()).default([]),
  kmsKeyId: z.string().min(1).optional(),
});

const PlanConfig = z.strictObject({
  select: z
    .strictObject({ instanceIds: z.array(InstanceId).default([]), tags: z.record(z.string(), z.string()).default({}) })
    .refine(({ instanceIds, tags }) => instanceIds.length > 0 || Object.keys(tags).length > 0, {
      message: 'must name instanceIds or tags',
    }),
  schedule: z.strictObject({
    cron: z.array(z.string().min(1)).min(1),
    timezone: z.string().default('UTC'),
    /** Spreads starts of plans that share an hour; Temporal duration text. */
    jitter: z.string().default('5m'),
  }),
  /** The request of each instance; `instanceId` and `plan` are filled in. */
  request: BackupRequest.omit({ instanceId: true, plan: true }).prefault({}),
  /** How many instances are backed up side by side. */
  atATime: z.int().min(1).max(50).default(4),
});

/** `temporal.config.ts`: no address and no credential stands here; those come from the environment and its profiles. */
export const Config = z.strictObject({
  temporal: z.strictObject({ profile: z.string().optional() }).prefault({}),
  vaults: z.record(ConfiguredName, VaultConfig),
  isolation: z.record(ConfiguredName, IsolationConfig),
  /** Recipes by name with their parameters; the built-in ones take `{}`. */
  recipes: z.record(ConfiguredName, z.record(z.string(), z.unknown())).default({ postgresql: {}, redis: {} }),
  plans: z.record(ConfiguredName, PlanConfig).default({}),
  defaults: z.strictObject({ vault: ConfiguredName.optional(), isolation: ConfiguredName.optional() }).prefault({}),
  limits: LimitsConfig,
});
export type Config = z.output<typeof Config>;
export type ConfigInput = z.input<typeof Config>;
