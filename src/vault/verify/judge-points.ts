import { VaultError } from '../../errors.ts';
import { pointKey } from '../object-keys.ts';
import { readPoint } from '../points.ts';
import { damageIn, type Finding } from './findings.ts';
import { readToldTombstone } from './told-tombstone.ts';
import type { Verification } from './verification.ts';
import { verifyDocuments } from './verify-documents.ts';
import { type VolumeVerdict, verifyVolume } from './verify-volume.ts';

export interface PointVerdict {
  readonly pointId: string;
  readonly verdict: 'sound' | 'damaged';
  readonly volumes: readonly VolumeVerdict[];
}

/** Each learned point by its documents, its volumes and what reading the packs has shown. */
export async function judgePoints(work: Verification): Promise<PointVerdict[]> {
  const verdicts: PointVerdict[] = [];
  for (const [pointId, { expired }] of work.points) {
    verdicts.push(await judgePoint(work, pointId, expired));
    work.onProgress?.({ step: 'volumes', done: verdicts.length, of: work.points.size });
  }
  return verdicts;
}

async function judgePoint(work: Verification, pointId: string, expired: boolean): Promise<PointVerdict> {
  const { vault, level, known, signal } = work;
  const findings: Finding[] = [];
  const onFinding = (finding: Finding) => void findings.push(finding);
  const volumes: VolumeVerdict[] = [];
  try {
    const manifest = await readPoint({ vault, pointId, signal });
    const read = level !== 'structure';
    await verifyDocuments({ vault, manifest, read, onFinding }, signal);
    for (const volume of manifest.volumes) {
      volumes.push(await verifyVolume({ vault, pointId, volume, known, read, onFinding }, signal));
    }
  } catch (error) {
    if (!(error instanceof VaultError && error.code === 'PointMissing')) damageIn(error);
    onFinding(vanished(pointId, error));
  }
  const damaged = findings.some(({ severity }) => severity === 'damage');
  // What has expired meanwhile may be collected meanwhile.
  const ended = damaged && (expired || (await readToldTombstone(work, pointId)) === 'valid');
  for (const finding of findings) work.tell(ended ? asExpired(finding) : finding);
  return { pointId, verdict: damaged && !ended ? 'damaged' : 'sound', volumes };
}

function vanished(pointId: string, error: unknown): Finding {
  const found = error instanceof Error ? error.message : String(error);
  const remains = 'it was there when the verification began';
  return { severity: 'damage', object: pointKey(pointId), found, remains, pointId };
}

function asExpired(finding: Finding): Finding {
  if (finding.severity === 'notice') return finding;
  return {
    ...finding,
    severity: 'notice',
    remains: `the point has expired, so this may be collected; ${finding.remains}`,
  };
}
