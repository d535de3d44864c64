import type { ResolvedBackup } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import {
  beginRun,
  confirmParents,
  findFailedAudit,
  findParents,
  type Lineage,
  type Manifest,
  type MapRef,
  readRunFacts,
  type Session,
  type Vault,
  whyReadAll,
} from '../vault/index.ts';

/** What a run builds on, decided before its capture. Stands in histories: ids and digests only. */
export interface Increment {
  readonly base: RunBase | null;
  /** Why every block is read whatever the platform says of changes; null when its word is taken. */
  readonly readAll: string | null;
}

export interface RunBase {
  readonly pointId: string;
  readonly pointsByHints: number;
  readonly volumes: readonly BaseVolume[];
}

/** One volume at the parent. */
export interface BaseVolume {
  readonly volumeId: string;
  readonly map: MapRef;
  /** Of production, at the parent's time. */
  readonly captureId: string | null;
  /** Whether the vault knows what the parent's clone changed. */
  readonly hasChanges: boolean;
}

export interface BeginRequest {
  readonly vault: Vault;
  readonly run: Run;
  readonly backup: ResolvedBackup;
  readonly session: Omit<Session, 'epoch' | 'candidateParents'>;
  readonly signal: AbortSignal;
}

// The newest one, and two in case it is buried or found damaged between the two looks.
const CANDIDATES = 3;

/** Names the candidates in the session, then looks at them again: in this order, docs/vault-format.md 7. */
export async function beginIncrement({ vault, run, backup, session, signal }: BeginRequest): Promise<Increment> {
  const lineage = await findParents({ vault, machineId: run.sourceId, signal });
  const candidateParents = lineage.parents.slice(0, CANDIDATES).map((pointId) => ({ pointId }));
  await beginRun({ vault, session: { ...session, candidateParents }, signal });
  const { parent, dropped } = await confirmParents({ vault, runId: run.runId, signal });
  if (!parent) return { base: null, readAll: whyNone(lineage, dropped) };
  const audit = await findFailedAudit(vault, run.sourceId, signal);
  const readAll = whyReadAll(audit, parent.pointId) ?? whyAll(parent, lineage, backup.fullReadEvery);
  return { base: baseOf(parent), readAll };
}

function whyNone({ refused }: Lineage, dropped: Lineage['refused']): string {
  const [first] = [...dropped, ...refused];
  return first ? `no point can be built on; ${first.pointId}: ${first.reason}` : 'there is no earlier point';
}

/** A red point may be one that wrong hints have spoiled. */
function whyAll(parent: Manifest, { refused }: Lineage, fullReadEvery: number): string | null {
  const red = refused.find((point) => point.red && point.pointId > parent.pointId);
  if (red) return `the later point ${red.pointId} is red`;
  const { pointsByHints } = readRunFacts(parent);
  if (pointsByHints + 1 < fullReadEvery) return null;
  return `every block is read once in ${fullReadEvery} points (fullReadEvery)`;
}

function baseOf(parent: Manifest): RunBase {
  const captures = new Map(parent.capture.snapshots.map(({ volumeId, snapshotId }) => [volumeId, snapshotId]));
  return {
    pointId: parent.pointId,
    pointsByHints: readRunFacts(parent).pointsByHints,
    volumes: parent.volumes.map(({ volumeId, map, changes }) => ({
      volumeId,
      map,
      captureId: captures.get(volumeId) ?? null,
      hasChanges: changes !== null,
    })),
  };
}
