import { type CaptureDeps, createCaptureActivities } from './capture.ts';
import { type CleanUpDeps, createCleanUpActivities } from './clean-up.ts';
import { type CollectDeps, createCollectActivities } from './collect.ts';
import { createDrillActivities, type DrillDeps } from './drill.ts';
import { createMachineActivities, type MachineDeps } from './machine.ts';
import { createPointActivities, type PointDeps } from './point.ts';
import { createPreflightActivities, type PreflightDeps } from './preflight.ts';
import { createResolveActivities } from './resolve.ts';
import { createResolveDrillActivities } from './resolve-drill.ts';
import { createResolveRestoreActivities, type ResolveRestoreDeps } from './resolve-restore.ts';
import { createRestoreMachineActivities, type RestoreMachineDeps } from './restore-machine.ts';
import { createSweepActivities, type SweepDeps } from './sweep.ts';
import { createWatchActivities, type WatchDeps } from './watch.ts';

export type ControlDeps = ResolveRestoreDeps &
  PreflightDeps &
  CaptureDeps &
  MachineDeps &
  WatchDeps &
  PointDeps &
  RestoreMachineDeps &
  DrillDeps &
  CleanUpDeps &
  SweepDeps &
  CollectDeps;

/** What the control worker does: calls that steer. It holds the vault's meta and control roots, never the data root. */
export function createControlActivities(deps: ControlDeps) {
  return {
    ...createResolveActivities(deps),
    ...createResolveRestoreActivities(deps),
    ...createResolveDrillActivities(deps),
    ...createDrillActivities(deps),
    ...createPreflightActivities(deps),
    ...createCaptureActivities(deps),
    ...createMachineActivities(deps),
    ...createWatchActivities(deps),
    ...createPointActivities(deps),
    ...createRestoreMachineActivities(deps),
    ...createCleanUpActivities(deps),
    ...createSweepActivities(deps),
    ...createCollectActivities(deps),
  };
}
export type ControlActivities = ReturnType<typeof createControlActivities>;
