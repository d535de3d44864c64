import type { Phase } from '../contract/progress.ts';
import type { ResolvedBackup } from '../contract/resolved-backup.ts';
import type { BackupResult } from '../contract/results.ts';
import type { Run } from '../contract/run.ts';
import { messageOf } from './failures.ts';
import { indexing } from './proxies.ts';
import * as say from './summaries.ts';
import type { PhaseTracker } from './track-phases.ts';

/**
 * Lists the files of the new point for searches. A backup is not worse for a list that could not be made, nor for one that
 * somebody cancelled: the point is committed by then, and the result says why there is no list.
 */
export async function indexCommitted(order: {
  readonly run: Run;
  readonly backup: ResolvedBackup;
  readonly phases: PhaseTracker<Phase>;
}): Promise<Pick<BackupResult, 'fileIndex'>> {
  const { run, backup, phases } = order;
  const { fileIndex: depth, vault } = backup;
  // Backups that began before there were indexes have no such field in their histories, and go on without.
  if (depth === undefined) return {};
  const request = { vault, pointId: run.runId, digests: depth === 'digests' };
  return { fileIndex: await phases.run('index', () => indexing.indexFiles(request).catch(messageOf), say.fileIndex) };
}
