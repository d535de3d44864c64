export { archiveVolume } from './archive-volume.ts';
export { backupInstance } from './backup-instance.ts';
export { backupPlan } from './backup-plan.ts';
export { checkVault } from './check-vault.ts';
export { collectVault, expireRecoveryPoints } from './expire-recovery-points.ts';
export { requestBackup } from './request-backup.ts';
export { restoreRecoveryPoint } from './restore-recovery-point.ts';
export { sweepLeftovers } from './sweep-leftovers.ts';
export { verifyRecoveryPoint } from './verify-recovery-point.ts';
