import { VaultError } from '../../errors.ts';
import type { Manifest } from '../manifest.ts';
import { mustBePointId } from '../point-id.ts';
import { listPoints, readPoint } from '../points.ts';
import type { Vault } from '../vault.ts';

/** A point whose object is there and proves nothing; whose it was cannot be told. */
export interface UnreadablePoint {
  readonly pointId: string;
  readonly reason: string;
}

/** The point that a person named by its id, or with `latest` the newest that is not expired, of one machine if one is named. */
export async function findPoint({
  vault,
  pointId,
  machineId,
  onUnreadable,
  signal,
}: {
  readonly vault: Vault;
  readonly pointId: string | 'latest';
  readonly machineId?: string | undefined;
  /** With latest: told of each point that is newer than the one found and cannot be read. It may be the one that was meant. */
  readonly onUnreadable?: ((point: UnreadablePoint) => void) | undefined;
  readonly signal: AbortSignal;
}): Promise<Manifest> {
  if (pointId !== 'latest') {
    mustBePointId(pointId);
    return readPoint({ vault, pointId, signal });
  }
  let latest: Manifest | undefined;
  const unreadable: UnreadablePoint[] = [];
  for await (const found of listPoints({ vault, signal })) {
    if (found.state === 'invalid') unreadable.push(found);
    if (found.state !== 'committed' || found.expired !== null) continue;
    const { machine, capture } = found.manifest;
    if (machineId !== undefined && machine.machineId !== machineId) continue;
    if (!latest || capture.capturedAt >= latest.capture.capturedAt) latest = found.manifest;
  }
  const found = latest?.pointId ?? '';
  for (const point of unreadable) if (point.pointId > found) onUnreadable?.(point);
  // Read again as any other: it says whether this program understands the point.
  if (latest) return readPoint({ vault, pointId: latest.pointId, signal });
  const whose = machineId === undefined ? '' : ` of ${machineId}`;
  throw new VaultError('PointMissing', `there is no recovery point${whose} in ${vault.store.url}`);
}
