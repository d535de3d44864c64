import { defineQuery } from '@temporalio/workflow';
import type { BackupProgress } from './progress.ts';

/** Answered by every workflow that works in phases, and by `archiveVolume` and `requestBackup`; needs a running worker. */
export const progressQuery = defineQuery<BackupProgress>('progress');
