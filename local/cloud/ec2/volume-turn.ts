import type { Cloud } from '../cloud.ts';
import type { VolumeRecord } from '../records.ts';
import { require } from './describe.ts';

/**
 * Runs `body` while nobody else changes the volume: in the turn of the machine it is attached to, whose disk it is, else in
 * its own. It may have been attached or detached while the turn was waited for; then the wait begins again elsewhere.
 */
export async function inVolumeTurn<T>(
  cloud: Cloud,
  volumeId: string,
  body: (volume: VolumeRecord) => Promise<T>,
): Promise<T> {
  const read = () => require(cloud.db.volumes, 'vol', volumeId);
  for (;;) {
    const holder = holderOf(read());
    const done = await cloud.machines.inTurn(holder, async () => {
      const volume = read();
      return holderOf(volume) === holder ? { result: await body(volume) } : undefined;
    });
    if (done !== undefined) return done.result;
  }
}

function holderOf({ id, attachment }: VolumeRecord): string {
  return attachment?.instanceId ?? id;
}
