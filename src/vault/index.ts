/**
 * The vault: recovery points in vault format v1 (docs/vault-format.md). A pure library over three ports: ObjectStore,
 * KeyService, BlockSource.
 */

export { type AddedRecipient, addRecipient } from './add-recipient.ts';
export { type ArchiveProgress, type ArchiveShardRequest, archiveShard } from './archive-shard.ts';
export { attest, listAttestations } from './attest.ts';
export { Attestation } from './attestation.ts';
export { beginRun } from './begin-run.ts';
export { BLOCK_BYTES, type BlockRange, type BlockRef, type BlockSink, type BlockSource } from './block-source.ts';
export { type CatalogLine, type RebuiltCatalog, rebuildCatalog } from './catalog-lines.ts';
export { type ChangeSet, readChangeSet, writeChangeSet } from './change-sets.ts';
export { type CheckStoreRequest, checkStore, type StoreReport } from './check/check-store.ts';
export type { CheckFinding } from './check/finding.ts';
export { type Clock, type RandomBytes, systemClock, systemRandomBytes } from './clock.ts';
export { type DeletedVersions, deleteVersions } from './collect/delete-versions.ts';
export { executePlan, readPage, readPlan } from './collect/execute-plan.ts';
export type { IsDead } from './collect/fence-dead-runs.ts';
export { GcPage, GcPlan, GcReport, GcVersions } from './collect/gc-documents.ts';
export { newGcId } from './collect/gc-id.ts';
export { DELETE_REASONS, judgeObject, KEEP_REASONS, type ObjectJudgement } from './collect/judge-object.ts';
export { listPlans } from './collect/list-plans.ts';
export { PLAN_REST_MS, planCollection } from './collect/plan-collection.ts';
export type { StoredObject } from './collect/stored-object.ts';
export { type Survey, surveyVault } from './collect/survey.ts';
export { sumOf } from './collect/totals.ts';
export { commitPoint } from './commit-point.ts';
export { type ConfirmedParents, confirmParents } from './confirm-parents.ts';
export { readEvidence, writeEvidence } from './evidence.ts';
export { expirePoint } from './expiry/expire-point.ts';
export { expirePoints } from './expiry/expire-points.ts';
export {
  judgePoints,
  type KeepReason,
  type PointJudgement,
  type RetainedPoint,
  type RetentionPolicy,
} from './expiry/judge-points.ts';
export { type JudgedPoint, judgeVault, readRetainedPoints } from './expiry/judge-vault.ts';
export type { RetentionRules } from './expiry/retention-rules.ts';
export { type Simulation, simulateRetention, syntheticPoints } from './expiry/simulate.ts';
export { type ExtractToRead, extractPart, readExtract } from './extract.ts';
export { FailedAudit, findFailedAudit, whyReadAll } from './failed-audit.ts';
export { Fence } from './fence.ts';
export { ChangeSetRef, ConsistencyClass, EvidenceRef, MapRef, RunId, VolumeId } from './fields.ts';
export { type ApplicationObject, FileIndex, MAX_NOTES } from './file-index/file-index.ts';
export { findParentIndex } from './file-index/find-parent-index.ts';
export { FileRecord, MAX_PATH } from './file-index/index-page.ts';
export { findFileIndex, findIndexedFile, readIndexedFiles } from './file-index/read-file-index.ts';
export { type WrittenFileIndex, writeFileIndex } from './file-index/write-file-index.ts';
export { findParents, type Lineage, type RefusedParent } from './find-parents.ts';
export { finishVolume, type VolumeShares } from './finish-volume.ts';
export { type Forecast, forecast, type PhaseForecast } from './forecast.ts';
export { Hold, HoldRelease } from './hold.ts';
export { type HoldProgress, type HoldRequest, holdPoint, releasePoint } from './hold-point.ts';
export { holdsOf, isHeld, listHolds } from './holds.ts';
export { BlockSet } from './image/block-set.ts';
export { readChangedBlocks } from './image/changed-blocks.ts';
export { writing } from './image/image-target.ts';
export { openImage, type RawImage } from './image/open-image.ts';
export { type ChangedBlocks, type PutImageRequest, type PutProgress, putImage } from './image/put-image.ts';
export type { MissingBlocks } from './image/salvage.ts';
export { type WriteRangeRequest, writeRange } from './image/write-range.ts';
export { type WriteProgress, type WriteVolumeRequest, type WrittenVolume, writeVolume } from './image/write-volume.ts';
export { initVault } from './init-vault.ts';
export {
  type Inspection,
  type InspectRequest,
  inspectObject,
  type SealedContent,
} from './inspect/inspect-object.ts';
export { isDamage } from './is-damage.ts';
export type { KeyService, NewRoot, RootName, RootPurpose, RootRecipient, WrappedRoot } from './key-service.ts';
export { type EpochFacts, type KeysFacts, listKeys, type RecipientFacts } from './list-keys.ts';
export type { LockProgress } from './lock-point.ts';
export type { LockPolicy } from './lock-policy.ts';
export {
  CaptureFacts,
  ConsistencyFacts,
  holdsDisks,
  MachineFacts,
  Manifest,
  ManifestDraft,
  ManifestVolume,
  Retention,
} from './manifest.ts';
export { Measurement, type MeasurementsRequest, readMeasurements, writeMeasurement } from './measurement.ts';
export type { ByteRange, CreateOptions, LockMode, ObjectFacts, ObjectRetention, ObjectStore } from './object-store.ts';
export { openKeyService, openNotedRecipient, openRecipient } from './open-key-service.ts';
export { openStore, openVersions } from './open-store.ts';
export { openVault } from './open-vault.ts';
export { type ArchivedVolume, openArchivedVolume, openVolume, type VolumeBlock } from './open-volume.ts';
export { countSegments, countShards, MAX_SHARD_SEGMENTS, SEGMENT_BLOCKS } from './parameters.ts';
export { openParentVolume, type ParentVolume } from './parent-volume.ts';
export type { ChangeHints } from './plan-reads.ts';
export { fenceRun, findPointState, listPoints, type PointState, readFence, readPoint } from './points.ts';
export { type OpenReader, openVolumeReader, type VolumeReaderRequest } from './read/open-volume-reader.ts';
export type { VolumeReader } from './read/volume-reader.ts';
export type { OnInvalid } from './read-keys.ts';
export { findPoint } from './recover/find-point.ts';
export {
  type RecoveredPoint,
  type RecoveredVolume,
  type RecoverRequest,
  recoverPoint,
} from './recover/recover-point.ts';
export { type Rotation, rotateKeys } from './rotate-keys.ts';
export { type RunFacts, readRunFacts, recordRunFacts } from './run-facts.ts';
export { Session } from './session.ts';
export { ShardRecord } from './shard-record.ts';
export {
  type CheckDepth,
  depthOf,
  endsRed,
  isSound,
  judgeAttestations,
  readStanding,
  type Standing,
  standingAttestation,
} from './standing.ts';
export { Tombstone } from './tombstone.ts';
export type { Vault } from './vault.ts';
export { CheckRecord, VERIFY_LEVELS, type VerifyLevel } from './verify/check-record.ts';
export type { Finding } from './verify/findings.ts';
export type { PointVerdict } from './verify/judge-points.ts';
export type { VerifyProgress } from './verify/verification.ts';
export { type VaultVerdict, type VerifyVaultRequest, verifyVault } from './verify/verify-vault.ts';
export type { VolumeVerdict } from './verify/verify-volume.ts';
export type { ObjectVersion, VersionStore } from './version-store.ts';
export { WrittenBlocks } from './written-blocks.ts';
