import { defineQuery } from '@temporalio/workflow';
import type { BackupProgress } from './progress.ts';

/** Answered by `backupInstance`, `archiveVolume` and `verifyRecoveryPoint`; needs a running worker. */
export const progressQuery = defineQuery<BackupProgress>('progress');
