import { type ArchiveDeps, createArchiveActivities } from './archive.ts';
import { type CheckDeps, createCheckActivities } from './check-vault.ts';
import { type CommitDeps, createCommitActivities } from './commit.ts';
import { createExamineActivities, type ExamineDeps } from './examine.ts';
import { createExtractActivities, type ExtractDeps } from './extract.ts';
import { createIndexFilesActivities, type IndexFilesDeps } from './index-files.ts';
import { createMeasureActivities, type MeasureDeps } from './measure.ts';
import { createPhotographActivities, type PhotographDeps } from './photograph.ts';
import { createRestoreActivities, type RestoreDeps } from './restore.ts';
import { createRestoreFilesActivities, type RestoreFilesDeps } from './restore-files.ts';

export type MoverDeps = ExamineDeps &
  PhotographDeps &
  ArchiveDeps &
  CommitDeps &
  RestoreDeps &
  MeasureDeps &
  CheckDeps &
  ExtractDeps &
  IndexFilesDeps &
  RestoreFilesDeps;

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
    ...createIndexFilesActivities(deps),
    ...createRestoreFilesActivities(deps),
  };
}
export type MoverActivities = ReturnType<typeof createMoverActivities>;
