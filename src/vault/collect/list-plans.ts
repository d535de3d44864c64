import { RunId } from '../fields.ts';
import type { Vault } from '../vault.ts';

export interface FoundPlan {
  readonly gcId: string;
  /** A report stands: it was executed. */
  readonly executed: boolean;
  /** Older versions of what it removed are gone too (delete-versions.ts). */
  readonly versionsRemoved: boolean;
}

/** Collections that were planned, oldest first; pages without a plan are what a crash left and are passed over. */
export async function listPlans(vault: Vault, signal: AbortSignal): Promise<readonly FoundPlan[]> {
  const documents = new Map<string, Set<string>>();
  for await (const { key } of vault.store.list('gc/', signal)) {
    const [, gcId = '', name = ''] = /^gc\/([^/]+)\/([a-z]+)\.json$/.exec(key) ?? [];
    if (!RunId.safeParse(gcId).success) continue;
    documents.set(gcId, (documents.get(gcId) ?? new Set()).add(name));
  }
  return [...documents]
    .filter(([, names]) => names.has('plan'))
    .map(([gcId, names]) => ({ gcId, executed: names.has('report'), versionsRemoved: names.has('versions') }));
}
