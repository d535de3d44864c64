import { sleep } from '@temporalio/activity';
import type { EvidenceRef } from '../contract/evidence.ts';
import type { ClonePlatform } from '../platforms/platform.ts';
import { beating } from './beating.ts';
import { type EvidenceRequest, sealEvidence } from './seal-evidence.ts';
import type { VaultDoor } from './vault-door.ts';

export interface PhotographDeps {
  readonly platform: ClonePlatform;
  readonly vaults: VaultDoor;
  readonly now: () => number;
}

export interface PhotographRequest extends EvidenceRequest {
  /** Workflow time in milliseconds. */
  readonly since: number;
}

/** A machine that is still busy after 10 minutes shows no more on its screen; the mover's slot is for others. */
const GIVE_UP_MS = 10 * 60_000;
/** Two calls per look, like the watch of the console. */
const LOOK_AGAIN_MS = 1_500;

export function createPhotographActivities({ platform, vaults, now }: PhotographDeps) {
  return {
    /** The screen as it was last seen while the machine ran: one that is off shows none. */
    async photograph(request: PhotographRequest): Promise<readonly EvidenceRef[]> {
      const { run, machine, since } = request;
      return beating(async (beat) => {
        let last: Uint8Array | undefined;
        while (now() - since < GIVE_UP_MS) {
          const { state } = await platform.observe(run, machine.machineId, beat.signal);
          if (state !== 'pending' && state !== 'running') break;
          last = (await platform.screenshot(run, machine.machineId, beat.signal)) ?? last;
          beat.progress();
          await sleep(LOOK_AGAIN_MS);
        }
        const files = last ? [{ name: 'screenshot.jpg', contentType: 'image/jpeg', bytes: last }] : [];
        return sealEvidence(vaults, request, files, beat);
      });
    },
  };
}
