import { z } from 'zod';
import { Count, RunId, Time } from '../fields.ts';

/** `gc/<gcId>/…`: what a collection means to remove and what it removed; docs/vault-format.md 7. */

const Text = z.string().max(2000);
export const Total = z.strictObject({ objects: Count, bytes: Count });
export type Total = z.infer<typeof Total>;
/** By reason. A later version may have others, so they are text. */
const Totals = z.record(z.string().max(50), Total);

/** Lists for people are cut: a document has 256 KiB, and who needs all of them asks the vault. */
export const MAX_LISTED = 100;
const Listed = <T extends z.ZodType>(item: T) => z.array(item).max(MAX_LISTED);

/** Written after its pages, so a plan that exists is whole. */
export const GcPlan = z.strictObject({
  gcId: RunId,
  plannedAt: Time,
  /** Nothing is removed before. */
  executeAfter: Time,
  toolVersion: z.string().max(100),
  points: z.strictObject({
    committed: Count,
    pinned: Count,
    held: Count,
    locked: Count,
    /** Of these no object is kept but what others name. */
    expired: Count,
    abandoned: Count,
    unreadable: Count,
  }),
  fenced: Listed(z.strictObject({ runId: RunId, reason: Text })),
  /** Objects that prove nothing or cannot be read. */
  invalid: Listed(z.strictObject({ key: z.string().max(1024), reason: Text })),
  /** Why less is removed than could be; null when everything could be read. */
  protects: z.enum(['runs', 'everything']).nullable(),
  keeps: Totals,
  deletes: Totals,
  /** Of `deletes`: what a lock keeps, and when the last of these runs out. Left out where nothing is locked. */
  locked: Total.extend({ until: Time }).optional(),
  pages: Count,
});
export type GcPlan = z.infer<typeof GcPlan>;

/** A page of 1,000: the longest key has 141 characters, so 240 bytes each stay below 256 KiB. */
export const PAGE_OBJECTS = 1000;

export const GcPage = z.strictObject({
  gcId: RunId,
  page: Count,
  objects: z
    .array(
      z.strictObject({
        key: z.string().max(1024),
        bytes: Count,
        why: z.string().max(50),
        /** Its bytes stay so long whoever removes it. */
        lockedUntil: Time.optional(),
      }),
    )
    .min(1)
    .max(PAGE_OBJECTS),
});
export type GcPage = z.infer<typeof GcPage>;

export const GcReport = z.strictObject({
  gcId: RunId,
  finishedAt: Time,
  toolVersion: z.string().max(100),
  /** Every object of the plan that is gone now. */
  removed: Totals,
  /** Objects of the plan that something needs now after all, or that could not be judged again. */
  kept: Totals,
});
export type GcReport = z.infer<typeof GcReport>;

/** `gc/<gcId>/versions.json`: nothing is left in the bucket's older versions of what this collection removed. */
export const GcVersions = z.strictObject({ gcId: RunId, finishedAt: Time, removed: Total });
export type GcVersions = z.infer<typeof GcVersions>;

export const GC_PLAN = { type: 'gc-plan', schema: GcPlan } as const;
export const GC_PAGE = { type: 'gc-page', schema: GcPage } as const;
export const GC_REPORT = { type: 'gc-report', schema: GcReport } as const;
export const GC_VERSIONS = { type: 'gc-versions', schema: GcVersions } as const;
