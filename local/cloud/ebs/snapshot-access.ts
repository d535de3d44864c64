import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import type { SnapshotRecord } from '../records.ts';

/** A snapshot that may be read: known, completed, its key usable. */
export function readableSnapshot(cloud: Cloud, id: string): SnapshotRecord {
  const snapshot = knownSnapshot(cloud, id);
  if (snapshot.state !== 'completed') {
    throw new CloudError(
      'ValidationException',
      `The snapshot ${id} is ${snapshot.state}; only completed snapshots can be read`,
      {
        reason: 'INVALID_SNAPSHOT_ID',
      },
    );
  }
  checkKey(cloud, snapshot.kmsKeyArn);
  return snapshot;
}

export function knownSnapshot({ db }: Cloud, id: string): SnapshotRecord {
  const snapshot = db.snapshots.get(id);
  if (snapshot !== undefined && snapshot.state !== 'deleted' && snapshot.state !== 'capturing') return snapshot;
  throw snapshotMissing(id);
}

export function snapshotMissing(id: string): CloudError {
  return new CloudError('ResourceNotFoundException', `The snapshot '${id}' does not exist.`, {
    httpStatus: 404,
    reason: 'SNAPSHOT_NOT_FOUND',
  });
}

export function checkKey({ db }: Cloud, kmsKeyArn: string | undefined): void {
  if (kmsKeyArn === undefined) return;
  const key = db.keys.all().find(({ arn }) => arn === kmsKeyArn);
  if (key?.state === 'Enabled') return;
  throw new CloudError(
    'AccessDeniedException',
    `The KMS key ${kmsKeyArn} cannot be used: ${key?.state ?? 'it does not exist'}`,
    {
      httpStatus: 403,
      reason: 'DEPENDENCY_ACCESS_DENIED',
    },
  );
}
