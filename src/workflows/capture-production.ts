import type { Capture, MachineFacts } from '../contract/machine.ts';
import type { Run } from '../contract/run.ts';
import { control, polling } from './proxies.ts';

/** One instant of all volumes, complete enough to make a machine of it. */
export async function captureProduction(run: Run, machine: MachineFacts, vault: string): Promise<Capture> {
  const volumeIds = machine.volumes.map(({ volumeId }) => volumeId);
  const capture = await control.captureProduction({ run, vault, volumeIds });
  return { ...capture, snapshots: await polling.awaitSnapshots({ snapshots: capture.snapshots }) };
}
