import { inOrder } from '../vault/in-order.ts';
import {
  findPointState,
  holdsDisks,
  isSound,
  type Manifest,
  RunId,
  readRunFacts,
  readStanding,
  type Vault,
} from '../vault/index.ts';
import type { Beat } from './beating.ts';
import type { CaptureKeeper } from './judge-run.ts';
import type { VaultDoor } from './vault-door.ts';

export interface KeptCapturesRequest {
  readonly vaults: VaultDoor;
  /** Runs whose capture still exists. */
  readonly captured: ReadonlySet<string>;
  readonly beat: Beat;
}

// Each point costs four small requests of some 20 ms.
const READS_AT_ONCE = 8;

/**
 * For every source its newest point that may be a parent and still has its capture: committed, with disks, not expired, not
 * refuted by its last verification, and verified where that was asked for. A run that was cancelled after its commit has a
 * point but no capture any more; the one before it is then the base of the next increment. Undefined as soon as one vault
 * cannot be read: what it holds is then unknown.
 */
export async function findKeptCaptures(request: KeptCapturesRequest): Promise<CaptureKeeper | undefined> {
  const { vaults, beat } = request;
  const kept = new Set<string>();
  try {
    for (const name of vaults.names) for (const runId of await newestParents(name, request)) kept.add(runId);
  } catch {
    beat.signal.throwIfAborted();
    return undefined;
  }
  return { keeps: (runId) => kept.has(runId) };
}

async function newestParents(
  name: string,
  { vaults, captured, beat: { signal, progress } }: KeptCapturesRequest,
): Promise<Iterable<string>> {
  const vault = await vaults.open(name, signal);
  // A point has its run's id: a vault may have thousands, captures are one or two per source. Ids begin with their time, so
  // a later point of the same source replaces an earlier one.
  // Ids come from tags, which may say anything.
  const runIds = [...captured].filter((runId) => RunId.safeParse(runId).success).sort();
  const reads = runIds.map((runId) => (ours: AbortSignal) => findParent(vault, runId, ours));
  const bySource = new Map<string, string>();
  for await (const found of inOrder(reads, { depth: READS_AT_ONCE, signal })) {
    progress();
    if (found) bySource.set(found.machine.machineId, found.pointId);
  }
  return bySource.values();
}

/** The run's point, where it may be a parent. */
async function findParent(vault: Vault, runId: string, signal: AbortSignal): Promise<Manifest | undefined> {
  const point = await findPointState({ vault, pointId: runId, signal });
  if (point?.state !== 'committed' || point.expired || !holdsDisks(point.manifest)) return undefined;
  const standing = await readStanding({ vault, pointId: runId, signal });
  return isSound(standing, readRunFacts(point.manifest).verify) ? point.manifest : undefined;
}
