import { z } from 'zod';
import { AcceptedRisk, CheckLevel, ConfiguredName, ConsistencyClass, InstanceId, Method, RunId } from './names.ts';

/**
 * What a person types, a schedule carries or a service sends. It only names things that the configuration defines: no
 * commands, addresses or paths come in by hand. `{"instanceId": "i-…"}` is enough.
 */
export const BackupRequest = z.strictObject({
  instanceId: InstanceId,
  method: Method.default('stop-and-snapshot'),
  /** False: archive what agents write, and not the disks. No machine can be made of such a point. */
  disks: z.boolean().default(true),
  /** The run fails rather than commit a point below this class of the disks. */
  atLeast: ConsistencyClass.exclude(['application-consistent']).default('clean-shutdown'),
  /**
   * True or `launch`: restore the point from the vault, boot it and ask its applications. A lower level only reads the
   * vault: `structure`, `sample` or `full`. False: not at all. Without disks nothing can be booted: true is then `full`.
   */
  verify: z.union([z.boolean(), CheckLevel, z.literal('launch')]).default(true),
  /** Snapshots and image of the clone stay in the account, tagged, beside the point in the vault. */
  retain: z.strictObject({ snapshots: z.boolean().default(false) }).prefault({}),
  accept: z.array(AcceptedRisk).default([]),
  /** Default: the configuration's only vault, or its `defaults.vault`. */
  vault: ConfiguredName.optional(),
  /** Default: the configuration's only isolation profile, or its `defaults.isolation`. */
  isolation: ConfiguredName.optional(),
  /** Default: every recipe of the configuration; those that do not match the machine are left out by its own answer. */
  recipes: z.array(ConfiguredName).optional(),
  /** The plan that asks, for the record; set by `backupPlan`. */
  plan: ConfiguredName.optional(),
});
export type BackupRequest = z.input<typeof BackupRequest>;

/** Why `disks: false` does not go with the rest of a request, and what to do; undefined where it does. */
export function whyNotWithoutDisks({
  disks,
  method,
  verify,
  retain,
}: Pick<z.output<typeof BackupRequest>, 'disks' | 'method' | 'verify' | 'retain'>): string | undefined {
  const because = (what: string) => `false archives what agents write and nothing else; ${what}`;
  if (disks) return undefined;
  if (method !== 'application-agent') return because('it needs the method "application-agent"');
  if (verify === 'launch')
    return because('there is no machine to launch. Ask for "verify": "full", which reads all of it');
  if (retain.snapshots) return because('there are no snapshots of disks to retain. Leave "retain" out');
  return undefined;
}

/** A verification asked for by a person or a service. */
export const VerificationRequest = z.strictObject({
  pointId: RunId,
  vault: ConfiguredName.optional(),
  isolation: ConfiguredName.optional(),
  /** Default: every recipe of the configuration. */
  recipes: z.array(ConfiguredName).optional(),
});
export type VerificationRequest = z.input<typeof VerificationRequest>;

/** What a schedule hands to `backupPlan`. */
export const PlanRequest = z.strictObject({ plan: ConfiguredName });
export type PlanRequest = z.input<typeof PlanRequest>;
