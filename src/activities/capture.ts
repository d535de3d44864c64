import { ApplicationFailure, activityInfo, sleep } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import type { Capture, SnapshotFacts } from '../contract/machine.ts';
import { PlatformError } from '../errors.ts';
import type { CapturePlatform, CaptureRequest } from '../platforms/platform.ts';
import { beating } from './beating.ts';

export interface CaptureDeps {
  readonly platform: CapturePlatform;
}

/** Tags turn up in Describe calls late; 24 looks of 5 s are 2 minutes (EC2 API, "Eventual consistency"). */
const LOOKS = 24;

/** A snapshot of a small disk is completed within a second, sooner than Temporal begins another attempt. */
const FIRST_LOOKS_MS = 1_000;
const LOOK_AGAIN_MS = 250;

export function createCaptureActivities({ platform }: CaptureDeps) {
  return {
    /** Repeatable: adopts what an earlier attempt made; production gets one capture however often this runs. */
    async captureProduction(request: CaptureRequest): Promise<Capture> {
      return beating(async ({ signal, progress }) => {
        const find = () => platform.findCapture(request.run, request.volumeIds, signal);
        const earlier = await find();
        if (earlier) return earlier;
        let lostReply: unknown;
        try {
          return await platform.createCapture(request, signal);
        } catch (error) {
          if (!isLostReply(error)) throw error;
          lostReply = error;
        }
        // The call takes no client token, so the lost reply may hide a success.
        for (let look = 1; look <= LOOKS; look++) {
          progress({ look });
          await sleep('5s');
          const found = await find();
          if (found) return found;
        }
        throw new PlatformError(
          'CaptureUnconfirmed',
          'the reply to CreateSnapshots was lost and no capture turned up in 2 minutes',
          {
            context: { runId: request.run.runId, sourceId: request.run.sourceId },
            cause: lostReply,
          },
        );
      });
    },

    /** Resolves with completed snapshots; until then each attempt fails as NotReadyYet, which costs no history. */
    async awaitSnapshots({
      snapshots,
    }: {
      readonly snapshots: readonly SnapshotFacts[];
    }): Promise<readonly SnapshotFacts[]> {
      const waitedMs = () => Date.now() - activityInfo().scheduledTimestampMs;
      const { now, pending } = await beating(async ({ signal }) => {
        for (;;) {
          const now = await platform.readSnapshots(snapshots, signal);
          const pending = now.filter(({ state }) => state !== 'completed');
          if (pending.length === 0 || waitedMs() >= FIRST_LOOKS_MS) return { now, pending };
          await sleep(LOOK_AGAIN_MS);
        }
      });
      if (pending.length === 0) return now;
      throw ApplicationFailure.create({
        type: 'NotReadyYet',
        message: pending.map(({ snapshotId, percent }) => `${snapshotId} ${percent} %`).join(', '),
        category: ApplicationFailureCategory.BENIGN,
        nextRetryDelay: pollDelayMs(waitedMs()),
      });
    },
  };
}

/** A snapshot of a small disk takes seconds, the first one of a large disk hours: look again after a tenth of the wait. */
function pollDelayMs(waitedMs: number): number {
  return Math.min(Math.max(waitedMs / 10, 500), 60_000);
}

function isLostReply(error: unknown): boolean {
  return error instanceof PlatformError && error.code === 'PlatformUnreachable';
}
