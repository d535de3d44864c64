import { z } from 'zod';
import { BackupRequest, whyNotWithoutDisks } from '../contract/backup-request.ts';
import { DrillBudget } from '../contract/drill.ts';
import { ConfiguredName, InstanceId } from '../contract/names.ts';
import { RetentionRules } from '../contract/retention.ts';
import { Timezone } from '../contract/timezone.ts';
import { DurationText, Interval } from './duration-text.ts';
import { LimitsConfig } from './limits.ts';
import { RecipeConfig } from './recipes.ts';

const DeleteVersionsConfig = z.strictObject({
  /** How long what a collection removed can still be brought back. */
  afterDays: z.int().min(1).max(36_500).default(30),
  /** Profile of AWS's shared files with the version deleter's credentials; no other role may destroy versions. */
  profile: z.string().min(1),
});

export const CollectConfig = z.strictObject({
  every: Interval.default('1d'),
  /** From a collection's plan to its execution, so that a person can look at it. */
  restHours: z.int().min(0).max(8760).default(24),
  /**
   * Profile of AWS's shared files with the collector's credentials, which may remove objects; left out: the control
   * worker's own, which should not.
   */
  profile: z.string().min(1).optional(),
  /** For buckets without a lifecycle rule: destroys older versions of what collections have removed. Left out: never. */
  deleteVersions: DeleteVersionsConfig.optional(),
});

/** How often a vault is read, by level; a level that is left out is never read by itself. */
const CheckConfig = z.strictObject({
  structure: Interval.optional(),
  sample: Interval.optional(),
  full: Interval.optional(),
});

/** 100 years: a longer lock is a slip of the keyboard, and compliance could never take it back. */
const MAX_LOCK_DAYS = 36_500;

const VaultConfig = z.strictObject({
  /** `s3://bucket/prefix` or `file:///folder`. */
  url: z.string().regex(/^(s3:\/\/[^/]+|file:\/\/\/).*$/, 'must be s3://bucket/prefix or file:///folder'),
  /** KMS key (id, ARN or alias) that wraps the vault's roots. */
  kmsKeyId: z.string().min(1),
  /**
   * Of so many points in a row, one reads every block instead of trusting the platform's listings of changed blocks; 1:
   * each. Every run audits a sample, so this only bounds how long a rare lie can live: with a point a day one month, for
   * 1/30 of the price of reading all (EBS direct APIs: 6 dollars per TiB).
   */
  fullReadEvery: z.int().min(1).max(1000).default(30),
  /**
   * The list of each point's files that searches use: `attributes` reads folders and inodes only, `digests` also what
   * changed since the point before; `off`: none is made, and searches read the disks.
   */
  fileIndex: z.enum(['off', 'attributes', 'digests']).default('attributes'),
  /** Age recipients that can read the vault without KMS, given when the vault is made (docs/operations/keys.md). */
  recipients: z
    .array(z.string().regex(/^age1[0-9a-z]+$/, 'must be the public half of an age identity, age1…'))
    .default([]),
  /** What to keep of each machine's points; without it points expire at their own `keepUntil` only. */
  retention: RetentionRules.optional(),
  /** When expired and abandoned data is collected; vaults with retention rules are, whether this is given or not. */
  collect: CollectConfig.optional(),
  /** When the vault is looked at for damage, by level (docs/operations/checking.md). */
  check: CheckConfig.optional(),
  /** Locks recovery points; the bucket must have Object Lock (docs/operations/bucket.md). Left out: not at all. */
  lock: z
    .strictObject({
      /** Compliance can be lifted by nobody; governance by whoever holds s3:BypassGovernanceRetention. */
      mode: z.enum(['governance', 'compliance']),
      /** Counted from the beginning of each backup. */
      days: z.int().min(1).max(MAX_LOCK_DAYS),
    })
    .optional(),
});

const IsolationNetwork = z.strictObject({
  /** `endpoints-only`: scripts reach machines through interface endpoints of Systems Manager (docs/isolation.md). */
  kind: z.enum(['sealed', 'endpoints-only']).default('sealed'),
  /** Of kind `endpoints-only` alone; a profile made for it, whose role may register an agent and nothing else. */
  instanceProfile: z
    .string()
    .regex(/^[\w+=,.@-]{1,128}$/, 'must be the name of an instance profile, not its ARN')
    .optional(),
  vpcId: z.string().regex(/^vpc-/),
  subnetId: z.string().regex(/^subnet-/),
  verifySubnetId: z.string().regex(/^subnet-/),
  securityGroupId: z.string().regex(/^sg-/),
  /** Proof lines that your credentials cannot read and that you have checked by other means. */
  acceptNotChecked: z.array(z.string()).default([]),
  fallbackInstanceTypes: z.array(z.string()).default([]),
  kmsKeyId: z.string().min(1).optional(),
});

/** Where whole machines and volumes may be restored to, other than the isolated network. */
const RestoreConfig = z.strictObject({
  zone: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .optional(),
  kmsKeyId: z.string().min(1).optional(),
  network: z
    .strictObject({
      subnetId: z.string().regex(/^subnet-/),
      /** Five is what EC2 allows per interface by default. */
      securityGroupIds: z.array(z.string().regex(/^sg-/)).min(1).max(5),
      instanceProfile: z.string().min(1).max(128).optional(),
      keyName: z.string().min(1).max(255).optional(),
      /** Two machines with one address are an accident that waits for a network between them: `source` is never assumed. */
      privateAddress: z.enum(['any', 'source']).default('any'),
      fallbackInstanceTypes: z.array(z.string()).default([]),
    })
    .optional(),
});

const IsolationConfig = IsolationNetwork.superRefine(({ kind, instanceProfile }, context) => {
  const path = ['instanceProfile'];
  if (kind === 'endpoints-only' && instanceProfile === undefined)
    context.addIssue({ code: 'custom', path, message: 'is needed by the kind "endpoints-only"' });
  if (kind === 'sealed' && instanceProfile !== undefined)
    context.addIssue({ code: 'custom', path, message: 'is not for the kind "sealed": nobody may be anybody there' });
});

const PlanConfig = z.strictObject({
  select: z
    .strictObject({ instanceIds: z.array(InstanceId).default([]), tags: z.record(z.string(), z.string()).default({}) })
    .refine(({ instanceIds, tags }) => instanceIds.length > 0 || Object.keys(tags).length > 0, {
      message: 'must name instanceIds or tags',
    }),
  schedule: z.strictObject({
    /** In Temporal's own grammar: it says what it cannot read when schedules are made. */
    cron: z.array(z.string().min(1)).min(1),
    timezone: Timezone.default('UTC'),
    /** Spreads starts of plans that share an hour. */
    jitter: DurationText.default('5m'),
  }),
  /** The request of each instance; `instanceId` and `plan` are filled in. */
  request: BackupRequest.omit({ instanceId: true, plan: true }).prefault({}),
  /** How many instances are backed up side by side. */
  atATime: z.int().min(1).max(50).default(4),
  /** Proves its points anew, those first that were proven longest ago. */
  drill: z.strictObject({ every: Interval.default('7d'), budget: DrillBudget.default('30m') }).optional(),
  /** For the points of this plan, instead of the vault's rules. */
  retention: RetentionRules.optional(),
});

const TemporalConfig = z.strictObject({
  /** A profile of the Temporal client configuration (`temporal.toml`); default: the environment's. */
  profile: z.string().min(1).optional(),
  /** Upserted where the namespace has them (`understudy init` creates them); false never asks. */
  searchAttributes: z.boolean().default(true),
});

const SweepConfig = z.strictObject({
  /** How often leftovers of runs that were terminated are looked for. */
  every: Interval.default('15m'),
});

const shape = z.strictObject({
  temporal: TemporalConfig.prefault({}),
  vaults: z.record(ConfiguredName, VaultConfig).refine(hasEntries, 'must define at least one vault'),
  isolation: z.record(ConfiguredName, IsolationConfig).refine(hasEntries, 'must define at least one isolation profile'),
  restores: z.record(ConfiguredName, RestoreConfig).default({}),
  /** Where movers may write files that somebody wants back (`restoreFiles`): absolute paths on their hosts, by name. */
  folders: z.record(ConfiguredName, z.string().regex(/^\//, 'must be an absolute path')).default({}),
  /** Recipes by name with their parameters (docs/recipes.md); the built-in ones take `{}`. */
  recipes: z.record(ConfiguredName, RecipeConfig).default({ postgresql: {}, redis: {} }),
  plans: z.record(ConfiguredName, PlanConfig).default({}),
  sweep: SweepConfig.prefault({}),
  defaults: z.strictObject({ vault: ConfiguredName.optional(), isolation: ConfiguredName.optional() }).prefault({}),
  limits: LimitsConfig,
});

function hasEntries(record: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(record).length > 0;
}

/** `temporal.config.ts`: no address and no credential stands here; those come from the environment and its profiles. */
export const Config = shape.superRefine((config, context) => {
  for (const [name, { url, collect }] of Object.entries(config.vaults)) {
    if (!collect?.deleteVersions || url.startsWith('s3:')) continue;
    const path = ['vaults', name, 'collect', 'deleteVersions'];
    context.addIssue({ code: 'custom', path, message: `${url} is a folder, which keeps no versions` });
  }
  const mustBeDefined = (path: readonly PropertyKey[], kind: 'vaults' | 'isolation' | 'recipes', name?: string) => {
    if (name === undefined || Object.hasOwn(config[kind], name)) return;
    const known = Object.keys(config[kind]).join(', ');
    context.addIssue({ code: 'custom', path: [...path], message: `"${name}" is not in ${kind} (defined: ${known})` });
  };
  mustBeDefined(['defaults', 'vault'], 'vaults', config.defaults.vault);
  mustBeDefined(['defaults', 'isolation'], 'isolation', config.defaults.isolation);
  for (const [name, { request }] of Object.entries(config.plans)) {
    mustBeDefined(['plans', name, 'request', 'vault'], 'vaults', request.vault);
    mustBeDefined(['plans', name, 'request', 'isolation'], 'isolation', request.isolation);
    const why = whyNotWithoutDisks(request);
    const path = ['plans', name, 'request', 'disks'];
    if (why !== undefined) context.addIssue({ code: 'custom', path, message: why });
    for (const recipe of request.recipes ?? []) mustBeDefined(['plans', name, 'request', 'recipes'], 'recipes', recipe);
  }
});
export type Config = z.output<typeof Config>;
export type ConfigInput = z.input<typeof Config>;
