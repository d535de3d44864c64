/** Start and follow backups from any service. Runs on Node 20. */
export type { BackupRequest, VerificationRequest } from '../contract/backup-request.ts';
export type { CheckRequest } from '../contract/check-request.ts';
export type { DrillRequest, DrillResult } from '../contract/drill.ts';
export type { ConsistencyVerdict, EvidenceRef, Fact } from '../contract/evidence.ts';
export type { ConsistencyClass } from '../contract/names.ts';
export type { BackupProgress, MachineHeartbeat, PhaseProgress, VolumeProgress } from '../contract/progress.ts';
export type { FilesRequest, RestoreRequest, TableRequest } from '../contract/restore-request.ts';
export type {
  ArchivedVolume,
  BackupResult,
  CheckResult,
  Failed,
  FilesResult,
  IndexedFiles,
  Leftover,
  RestoreResult,
  TableResult,
  VerificationResult,
} from '../contract/results.ts';
export { type ErrorCode, UnderstudyError } from '../errors.ts';
export { BackupClient, type RunningBackup, type StartOptions } from './backup-client.ts';
export { type ConnectOptions, connectTemporal } from './connect.ts';
export { type Run, RunFailed } from './run.ts';
