import { mustBeComplete } from './complete-volume.ts';
import { findParents, type RefusedParent } from './find-parents.ts';
import { isDamage } from './is-damage.ts';
import type { Manifest } from './manifest.ts';
import { readPoint } from './points.ts';
import { openRun, type Run } from './run.ts';
import type { Vault } from './vault.ts';

export interface ConfirmedParents {
  /** The newest candidate that still holds; without one the run reads everything. */
  readonly parent: Manifest | undefined;
  readonly dropped: readonly RefusedParent[];
}

/**
 * The second look at the parents a run has named (docs/vault-format.md 7, w2). It must come after the session was written:
 * a collector that starts later sees the session and keeps what the parent holds. All its objects must be there, too.
 */
export async function confirmParents({
  vault,
  runId,
  signal,
}: {
  readonly vault: Vault;
  readonly runId: string;
  readonly signal: AbortSignal;
}): Promise<ConfirmedParents> {
  return confirmParentsOf(await openRun(vault, runId, signal), signal);
}

/** As confirmParents, for whoever has opened the run himself. */
export async function confirmParentsOf({ vault, session }: Run, signal: AbortSignal): Promise<ConfirmedParents> {
  const dropped: RefusedParent[] = [];
  if (session.candidateParents.length === 0) return { parent: undefined, dropped };
  const { parents, refused } = await findParents({ vault, machineId: session.source.machineId, signal });
  for (const { pointId } of session.candidateParents) {
    if (!parents.includes(pointId)) {
      const reason = refused.find((one) => one.pointId === pointId)?.reason ?? 'it is not of this machine any more';
      dropped.push({ pointId, reason });
      continue;
    }
    try {
      return { parent: await readWhole(vault, pointId, signal), dropped };
    } catch (error) {
      if (!isDamage(error)) throw error;
      dropped.push({ pointId, reason: error.message });
    }
  }
  return { parent: undefined, dropped };
}

async function readWhole(vault: Vault, pointId: string, signal: AbortSignal): Promise<Manifest> {
  const manifest = await readPoint({ vault, pointId, signal });
  for (const { volumeId, map } of manifest.volumes) await mustBeComplete(vault, { volumeId, map }, signal);
  return manifest;
}
