import { readDocument } from '../documents.ts';
import { mustKnow } from '../features.ts';
import { VAULT_KEY } from '../object-keys.ts';
import type { Vault } from '../vault.ts';
import { VaultDocument } from '../vault-document.ts';
import { type FencedRun, fenceDeadRuns, type IsDead } from './fence-dead-runs.ts';
import { type Listing, listObjects } from './list-objects.ts';
import { listSessions } from './list-sessions.ts';
import { type LiveObjects, readLive } from './read-live.ts';
import { type Outcomes, readOutcomes } from './read-outcomes.ts';
import { readTombstones } from './read-tombstones.ts';

/** 16 small requests under way hide the 20 to 50 ms that each takes, and are far below what a bucket allows (3,500/s). */
export const AT_A_TIME = 16;

export interface SurveyRequest {
  /** Opened with the meta and control roots. */
  readonly vault: Vault;
  /** Which runs are worth fencing. It may be wrong at any time: a run that is fenced can only fail, never lose anything. */
  readonly isDead: IsDead;
  readonly signal: AbortSignal;
  /** Requests side by side; AT_A_TIME unless told. */
  readonly atATime?: number;
  /** Called with every step, so that a long one is seen to move. */
  readonly onProgress?: (step: SurveyStep) => void;
}

export type SurveyStep = 'tombstones' | 'sessions' | 'fences' | 'objects' | 'points' | 'maps' | 'indexes';

/** What a collector knows of a vault. It stays true: whatever it condemns can never be named again. */
export interface Survey {
  readonly expired: ReadonlySet<string>;
  readonly fenced: readonly FencedRun[];
  readonly listing: Listing;
  readonly outcomes: Outcomes;
  readonly live: LiveObjects;
  /** Objects that prove nothing: not signed or damaged. For people. */
  readonly invalid: readonly InvalidObject[];
}

export interface InvalidObject {
  readonly key: string;
  readonly reason: string;
}

/**
 * Looks at the vault in the order of docs/vault-format.md 7. Tombstones before sessions: a writer that saw its parent
 * without tombstone had published its session before, so it is among those listed later. Fences before points: a fenced
 * run cannot commit behind our back. Points last: who is undecided then keeps everything.
 */
export async function surveyVault(request: SurveyRequest): Promise<Survey> {
  await mustKnowHowToDelete(request);
  const tombstones = await readTombstones(request); // g1
  const sessionIds = await listSessions(request); // g2
  const { sessions, fenced, invalid } = await fenceDeadRuns(request, sessionIds); // g3
  const listing = await listObjects(request, tombstones.expired); // g4
  const outcomes = await readOutcomes(request); // g5
  const live = await readLive(request, { expired: tombstones.expired, sessions, outcomes, listing });
  return {
    expired: tombstones.expired,
    fenced,
    listing,
    outcomes,
    live,
    invalid: [
      ...tombstones.invalid,
      ...invalid,
      ...live.unreadable.map(({ key, reason }) => ({ key, reason })),
      ...live.damagedIndexes,
    ],
  };
}

/** A later program that changes what may be deleted says so there. */
async function mustKnowHowToDelete({ vault, signal }: Pick<SurveyRequest, 'vault' | 'signal'>): Promise<void> {
  const kind = { type: 'vault', schema: VaultDocument } as const;
  const { features } = await readDocument(kind, { vault, key: VAULT_KEY }, signal);
  mustKnow(features.delete, vault.store.url);
}
