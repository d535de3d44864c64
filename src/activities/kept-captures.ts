import { holdsDisks, isSound, listPoints, readRunFacts, readStanding } from '../vault/index.ts';
import type { CaptureKeeper } from './judge-run.ts';
import type { VaultDoor } from './vault-door.ts';

export interface KeptCapturesRequest {
  readonly vaults: VaultDoor;
  /** Runs whose capture still exists. */
  readonly captured: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/**
 * For every source its newest point that may be a parent and still has its capture: committed, with disks, not expired, not refuted by
 * its last verification, and verified where that was asked for. A run that was cancelled after its commit has a point but no capture any more; the one before it
 * is then the base of the next increment. Undefined as soon as one vault cannot be read: what it holds is then unknown.
 */
export async function findKeptCaptures(request: KeptCapturesRequest): Promise<CaptureKeeper | undefined> {
  const { vaults, signal } = request;
  const kept = new Set<string>();
  try {
    for (const name of vaults.names) for (const runId of await newestParents(name, request)) kept.add(runId);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
  return { keeps: (runId) => kept.has(runId) };
}

async function newestParents(
  name: string,
  { vaults, captured, signal }: KeptCapturesRequest,
): Promise<Iterable<string>> {
  const vault = await vaults.open(name, signal);
  const bySource = new Map<string, string>();
  // Oldest first, so a later point of the same source replaces an earlier one.
  for await (const point of listPoints({ vault, signal })) {
    if (point.state !== 'committed' || point.expired || !captured.has(point.pointId)) continue;
    if (!holdsDisks(point.manifest)) continue;
    const standing = await readStanding({ vault, pointId: point.pointId, signal });
    if (!isSound(standing, readRunFacts(point.manifest).verify)) continue;
    bySource.set(point.manifest.machine.machineId, point.pointId);
  }
  return bySource.values();
}
