import type { Leftover } from '../contract/results.ts';
import type { CleanUpPlatform, RemovalRequest } from '../platforms/platform.ts';
import { beating } from './beating.ts';

export interface CleanUpDeps {
  readonly platform: CleanUpPlatform;
}

export function createCleanUpActivities({ platform }: CleanUpDeps) {
  return {
    /** Finds by run tag, so half-done steps are covered; returns what it could not remove. */
    async removeRunResources(request: RemovalRequest): Promise<readonly Leftover[]> {
      return beating(({ signal }) => platform.removeRunResources(request, signal));
    },
  };
}
