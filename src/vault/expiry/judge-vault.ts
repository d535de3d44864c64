import { listKept } from '../holds.ts';
import { inOrder, type Task } from '../in-order.ts';
import { holdsDisks, type Manifest } from '../manifest.ts';
import { tombstoneKey } from '../object-keys.ts';
import { listPoints } from '../points.ts';
import type { OnInvalid } from '../read-keys.ts';
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
  /** Told of each point that was read. */
  readonly onProgress?: () => void;
}

/** Every point that has no tombstone yet, by machine, newest first, with what the policy makes of it. */
export async function judgeVault({ policy, ...request }: JudgeVaultRequest): Promise<JudgedPoint[]> {
  const { vault } = request;
  const machines = await readRetainedPoints(request);
  const now = vault.clock.now();
  return machines.flatMap(([machineId, points]) =>
    judgePoints(points, { policy, now }).map((judged) => ({ ...judged, machineId })),
  );
}

// Each point's attestations are a listing and some reads of 20 ms each.
const READS_AT_ONCE = 8;

type RetainedRequest = Omit<JudgeVaultRequest, 'policy'>;

/** The points without a tombstone, by machine. */
export async function readRetainedPoints(
  request: RetainedRequest,
): Promise<(readonly [machineId: string, points: readonly MachinePoint[]])[]> {
  const machines = new Map<string, MachinePoint[]>();
  for await (const point of inOrder(readEach(request), { depth: READS_AT_ONCE, signal: request.signal })) {
    request.onProgress?.();
    const points = machines.get(point.machineId) ?? [];
    points.push(point);
    machines.set(point.machineId, points);
  }
  return [...machines];
}

async function* readEach({ vault, signal, onProgress }: RetainedRequest): AsyncIterable<Task<MachinePoint>> {
  const held = await listKept({ vault, signal });
  /** By the key of a tombstone that proves nothing: why. */
  const tombstones = new Map<string, string>();
  const onInvalid: OnInvalid = (key, reason) => tombstones.set(key, reason);
  for await (const state of listPoints({ vault, signal, onInvalid })) {
    onProgress?.();
    if (state.state !== 'committed' || state.expired) continue;
    const doubt = tombstones.get(tombstoneKey(state.pointId));
    yield (ours) => factsOf(vault, state.manifest, { held, doubt, signal: ours });
  }
}

export interface MachinePoint extends RetainedPoint {
  readonly machineId: string;
}

async function factsOf(
  vault: Vault,
  manifest: Manifest,
  { held, doubt, signal }: { held: ReadonlySet<string>; doubt: string | undefined; signal: AbortSignal },
): Promise<MachinePoint> {
  const { pointId, capture, machine, plan, retention } = manifest;
  const doubts = doubt === undefined ? [] : [doubt];
  // It could have been what made the point red, or the newest verified one.
  const onInvalid: OnInvalid = (_key, reason) => doubts.push(reason);
  const standing = await readStanding({ vault, pointId, signal, onInvalid });
  // A look that is shallower than what was asked for must not make a point the newest verified one.
  const verified = isSound(standing, readRunFacts(manifest).verify ?? 'launch');
  return {
    pointId,
    plan,
    capturedAt: capture.capturedAt,
    keepUntil: retention.keepUntil,
    verdict: standing.red ? 'failed' : verified ? 'passed' : null,
    held: held.has(pointId),
    ...(doubts[0] !== undefined && { doubt: doubts[0] }),
    withoutDisks: !holdsDisks(manifest),
    machineId: machine.machineId,
  };
}
