import { sleep } from '@temporalio/activity';
import type { EvidenceRef } from '../contract/evidence.ts';
import { PlatformError } from '../errors.ts';
import type { ClonePlatform } from '../platforms/platform.ts';
import { beating } from './beating.ts';
import { type EvidenceFiles, type EvidenceRequest, sealEvidence } from './seal-evidence.ts';
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
        let last: EvidenceFiles = [];
        while (now() - since < GIVE_UP_MS) {
          try {
            const { observation, bytes } = await platform.screenshot(run, machine.machineId, beat.signal);
            if (observation.state !== 'pending' && observation.state !== 'running') break;
            if (bytes) last = [{ name: 'screenshot.jpg', contentType: 'image/jpeg', bytes }];
          } catch (error) {
            // Evidence only: that it may not be taken ends no run, and is said in its place.
            if (!(error instanceof PlatformError && error.code === 'AccessDenied')) throw error;
            const bytes = new TextEncoder().encode(`not taken: ${error.message}\n`);
            if (last.length === 0) last = [{ name: 'screenshot.txt', contentType: 'text/plain', bytes }];
            break;
          }
          beat.progress();
          await sleep(LOOK_AGAIN_MS);
        }
        return sealEvidence(vaults, request, last, beat);
      });
    },
  };
}
