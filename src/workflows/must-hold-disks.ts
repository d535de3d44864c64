import type { PointFacts } from '../activities/point.ts';
import { failure } from './failures.ts';

/** A point of agents' output alone: no machine can be made of it, so whoever wants one hears what else there is. */
export function mustHoldDisks({ pointId, machine }: PointFacts): void {
  if (machine.volumes.length > 0) return;
  throw failure(
    'PointHasNoDisks',
    `recovery point ${pointId} holds what agents wrote and no disks, so no machine or volume can be made of it. Its files: understudy files ls ${pointId}:/. All of it read: understudy verify ${pointId} --level full`,
    { pointId },
  );
}
