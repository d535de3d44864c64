import { latestAttestation, listPoints } from '../vault/index.ts';
import type { CaptureKeeper } from './judge-run.ts';
import type { VaultDoor } from './vault-door.ts';

/**
 * For every source its newest point that may be a parent: committed, not expired, not refuted by its last verification.
 * Undefined as soon as one vault cannot be read: what it holds is then unknown.
 */
export async function findKeptCaptures(vaults: VaultDoor, signal: AbortSignal): Promise<CaptureKeeper | undefined> {
  const kept = new Set<string>();
  try {
    for (const name of vaults.names) for (const runId of await newestParents(vaults, name, signal)) kept.add(runId);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
  return { keeps: (runId) => kept.has(runId) };
}

async function newestParents(vaults: VaultDoor, name: string, signal: AbortSignal): Promise<Iterable<string>> {
  const vault = await vaults.open(name, signal);
  const bySource = new Map<string, string>();
  // Oldest first, so a later point of the same source replaces an earlier one.
  for await (const point of listPoints({ vault, signal })) {
    if (point.state !== 'committed' || point.expired) continue;
    const attestation = await latestAttestation({ vault, pointId: point.pointId, signal });
    if (attestation?.verdict === 'failed') continue;
    bySource.set(point.manifest.machine.machineId, point.pointId);
  }
  return bySource.values();
}
