import { z } from 'zod';
import type { TaggedRecord } from './cloud.ts';
import { globMatches } from './glob.ts';
import { ownValue } from './own-value.ts';
import type { Store } from './store.ts';

/**
 * One thing somebody may not do. `actions` are `ec2:RunInstances`, `ebs:*` and the like; `resources` are ids or ARNs
 * with wildcards; `tags` must all match one touched resource. Without resources and tags the action is denied outright.
 */
export const Denial = z.strictObject({
  accessKeyId: z.string().default('*'),
  actions: z.array(z.string().regex(/^[a-z0-9*]+(:[A-Za-z*?]+)?$/)).min(1),
  resources: z.array(z.string()).optional(),
  tags: z.record(z.string(), z.string()).optional(),
});
export const Denials = z.array(Denial);
export type Denial = z.output<typeof Denial>;

const FACT = 'denials';

/** Asked for at every request, also the thousands that carry blocks. */
const known = new WeakMap<Store, readonly Denial[]>();

export function readDenials(store: Store): readonly Denial[] {
  const denials = known.get(store) ?? Denials.parse(store.readFact(FACT) ?? []);
  known.set(store, denials);
  return denials;
}

export function writeDenials(store: Store, denials: readonly Denial[]): void {
  store.writeFact(FACT, denials);
  known.set(store, denials);
}

export interface Attempt {
  readonly accessKeyId: string;
  /** `service:Action`. */
  readonly action: string;
  readonly touched: readonly Pick<TaggedRecord, 'id' | 'tags'>[];
}

export function isDenied(denials: readonly Denial[], attempt: Attempt): boolean {
  return denials.some((denial) => {
    if (!globMatches(denial.accessKeyId, attempt.accessKeyId)) return false;
    if (!denial.actions.some((action) => globMatches(action, attempt.action))) return false;
    if (denial.resources === undefined && denial.tags === undefined) return true;
    return attempt.touched.some((resource) => covers(denial, resource));
  });
}

function covers(denial: Denial, resource: Pick<TaggedRecord, 'id' | 'tags'>): boolean {
  const byId = denial.resources?.some((pattern) => globMatches(pattern.replace(/^.*\//, ''), resource.id)) ?? true;
  const wanted = Object.entries(denial.tags ?? {});
  return (
    byId &&
    wanted.every(([key, pattern]) => {
      const value = ownValue(resource.tags, key);
      return value !== undefined && globMatches(pattern, value);
    })
  );
}
