import { type ArchiveDeps, createArchiveActivities } from './archive.ts';
import { type CheckDeps, createCheckActivities } from './check-vault.ts';
import { type CommitDeps, createCommitActivities } from './commit.ts';
import { createExamineActivities, type ExamineDeps } from './examine.ts';
import { createExtractActivities, type ExtractDeps } from './extract.ts';
import { createMeasureActivities, type MeasureDeps } from './measure.ts';
import { createPhotographActivities, type PhotographDeps } from './photograph.ts';
import { createRestoreActivities, type RestoreDeps } from './restore.ts';

export type MoverDeps = ExamineDeps &
  PhotographDeps &
  ArchiveDeps &
  CommitDeps &
  RestoreDeps &
  MeasureDeps &
  CheckDeps &
  ExtractDeps;

/** What the mover does: everything that touches blocks. It holds the vault's data and meta roots, never the control key. */
export function createMoverActivities(deps: MoverDeps) {
  return {
    ...createExamineActivities(deps),
    ...createPhotographActivities(deps),
    ...createArchiveActivities(deps),
    ...createCommitActivities(deps),
    ...createRestoreActivities(deps),
    ...createMeasureActivities(deps),
    ...createCheckActivities(deps),
    ...createExtractActivities(deps),
  };
}
export type MoverActivities = ReturnType<typeof createMoverActivities>;
