import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { ArchivedWithChanges, ShardResult, VolumeOrder } from '../activities/archive.ts';
import type { VolumeProgress } from '../contract/progress.ts';
import { progressQuery } from '../contract/queries.ts';
import { readableFailure } from './failures.ts';
import { mustComeFromParent } from './must-come-from-parent.ts';
import { countShards } from './plan-shards.ts';
import { mover } from './proxies.ts';

/** Stores one volume. Its steps never overlap: listing a snapshot again ends the life of older block tokens. */
export async function archiveVolume(order: VolumeOrder): Promise<ArchivedWithChanges> {
  mustComeFromParent('archiveVolume', 'requestBackup');
  const { volume, shardSegments } = order;
  const shards: ShardResult[] = [];
  const shardCount = countShards(volume.bytes, shardSegments);
  const progress = (): VolumeProgress => {
    const sum = (key: 'bytesRead' | 'bytesStored') => shards.reduce((total, shard) => total + shard[key], 0);
    return {
      volumeId: volume.volumeId,
      bytesTotal: volume.bytes,
      bytesRead: sum('bytesRead'),
      bytesStored: sum('bytesStored'),
    };
  };
  setHandler(progressQuery, () => ({ runId: order.run.runId, phases: [], volumes: [progress()] }), {
    description: 'Bytes read and stored by finished shards',
  });
  try {
    const changes = await mover.recordChanges(order);
    for (let shard = 0; shard < shardCount; shard++) {
      setCurrentDetails(`${volume.volumeId}: shard ${shard + 1} of ${shardCount}`);
      shards.push(await mover.archiveShard({ ...order, shard }));
    }
    setCurrentDetails(`${volume.volumeId}: ${shardCount} of ${shardCount} shards stored`);
    return { ...(await mover.finishVolume({ ...order, shards })), changes };
  } catch (error) {
    throw readableFailure(error);
  }
}
