import type { Tag } from '@aws-sdk/client-ec2';
import type { Run } from '../../contract/run.ts';

/** Other tools select by these tag keys: never rename (docs/architecture.md, "Names that stay"). */
export const TAG = {
  deployment: 'understudy:deployment',
  run: 'understudy:run',
  workflow: 'understudy:workflow',
  execution: 'understudy:execution',
  role: 'understudy:role',
  source: 'understudy:source',
  expires: 'understudy:expires',
  point: 'understudy:point',
  retain: 'understudy:retain',
  /** Which launch of a role it is. */
  attempt: 'understudy:attempt',
  /** What a written snapshot is within its run. */
  name: 'understudy:name',
  /** Which vault's point a capture is the base of. */
  vault: 'understudy:vault',
} as const;

export type ResourceRole = 'capture' | 'image' | 'clone' | 'clone-snapshot' | 'scratch' | 'verify' | 'restored';

export interface TagExtras {
  readonly retain?: boolean;
  readonly attempt?: number;
  readonly name?: string;
  readonly vault?: string | undefined;
}

/** Production's own tags are never copied: State Manager, Patch Manager, DLM and others select by them. */
export function runTags(run: Run, role: ResourceRole, { retain, attempt, name, vault }: TagExtras = {}): Tag[] {
  const tags: Record<string, string> = {
    [TAG.deployment]: run.deploymentId,
    [TAG.run]: run.runId,
    [TAG.workflow]: run.workflowId,
    [TAG.execution]: run.temporalRunId,
    [TAG.role]: role,
    [TAG.source]: run.sourceId,
    [TAG.expires]: run.expiresAt,
    // Shown in the console's name column, so that a person knows at once what this is.
    Name: `understudy ${role} of ${run.sourceId}`,
    ...(run.pointId !== undefined && { [TAG.point]: run.pointId }),
    ...(retain === true && { [TAG.retain]: 'true' }),
    ...(attempt !== undefined && { [TAG.attempt]: String(attempt) }),
    ...(name !== undefined && { [TAG.name]: name }),
    ...(vault !== undefined && { [TAG.vault]: vault }),
  };
  // Tag values take 256 characters (EC2 tag restrictions); workflow ids can be longer.
  return Object.entries(tags).map(([Key, value]) => ({ Key, Value: value.slice(0, 256) }));
}

export function tagRecord(tags: readonly Tag[] | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries((tags ?? []).flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? '']])));
}

/** Undefined unless all tags that identify a run are there: something half-tagged is not ours to touch. */
export function runOfTags(tags: Readonly<Record<string, string>>): Run | undefined {
  const [deploymentId, runId, workflowId, temporalRunId, sourceId, expiresAt] = [
    tags[TAG.deployment],
    tags[TAG.run],
    tags[TAG.workflow],
    tags[TAG.execution],
    tags[TAG.source],
    tags[TAG.expires],
  ];
  if (!deploymentId || !runId || !workflowId || !temporalRunId || !sourceId || !expiresAt || !tags[TAG.role])
    return undefined;
  const pointId = tags[TAG.point];
  return { deploymentId, runId, workflowId, temporalRunId, sourceId, expiresAt, ...(pointId && { pointId }) };
}

export interface TagFilter {
  readonly Name: string;
  readonly Values: string[];
}

export function filterBy(tags: Readonly<Record<string, string>>): TagFilter[] {
  return Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
}

/** Everything of this run in this deployment. */
export function runFilter(run: Run, role?: ResourceRole): TagFilter[] {
  return filterBy({
    [TAG.deployment]: run.deploymentId,
    [TAG.run]: run.runId,
    ...(role !== undefined && { [TAG.role]: role }),
  });
}
