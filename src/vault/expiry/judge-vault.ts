import { listHolds } from '../holds.ts';
import { holdsDisks, type Manifest } from '../manifest.ts';
import { listPoints } from '../points.ts';
import { readRunFacts } from '../run-facts.ts';
import { isSound, readStanding } from '../standing.ts';
import type { Vault } from '../vault.ts';
import { judgePoints, type PointJudgement, type RetainedPoint, type RetentionPolicy } from './judge-points.ts';

export interface JudgedPoint extends PointJudgement {
  readonly machineId: string;
}

export interface JudgeVaultRequest {
  readonly vault: Vault;
  readonly policy: RetentionPolicy;
  readonly signal: AbortSignal;
}

/** Every point that has no tombstone yet, by machine, newest first, with what the policy makes of it. */
export async function judgeVault({ vault, policy, signal }: JudgeVaultRequest): Promise<JudgedPoint[]> {
  const machines = await readRetainedPoints({ vault, signal });
  const now = vault.clock.now();
  return machines.flatMap(([machineId, points]) =>
    judgePoints(points, { policy, now }).map((judged) => ({ ...judged, machineId })),
  );
}

/** The points without a tombstone, by machine. */
export async function readRetainedPoints({
  vault,
  signal,
}: {
  readonly vault: Vault;
  readonly signal: AbortSignal;
}): Promise<(readonly [machineId: string, points: readonly MachinePoint[]])[]> {
  const held = await listHolds({ vault, signal });
  const machines = new Map<string, MachinePoint[]>();
  for await (const state of listPoints({ vault, signal })) {
    if (state.state !== 'committed' || state.expired) continue;
    const point = await factsOf(vault, state.manifest, { held, signal });
    const points = machines.get(point.machineId) ?? [];
    points.push(point);
    machines.set(point.machineId, points);
  }
  return [...machines];
}

export interface MachinePoint extends RetainedPoint {
  readonly machineId: string;
}

async function factsOf(
  vault: Vault,
  manifest: Manifest,
  { held, signal }: { held: ReadonlyMap<string, unknown>; signal: AbortSignal },
): Promise<MachinePoint> {
  const { pointId, capture, machine, plan, retention } = manifest;
  const standing = await readStanding({ vault, pointId, signal });
  // A look that is shallower than what was asked for must not make a point the newest verified one.
  const verified = isSound(standing, readRunFacts(manifest).verify ?? 'launch');
  return {
    pointId,
    plan,
    capturedAt: capture.capturedAt,
    keepUntil: retention.keepUntil,
    verdict: standing.red ? 'failed' : verified ? 'passed' : null,
    held: held.has(pointId),
    withoutDisks: !holdsDisks(manifest),
    machineId: machine.machineId,
  };
}
