import { depthOf, holdsDisks, listPoints, type PointState, standingAttestation, type Vault } from '../vault/index.ts';
import { openConfiguredVault } from './configured-vault.ts';
import type { Points } from './deps.ts';
import type { CommittedPoint, PointLine, Validation } from './point-line.ts';

/** Reads the vault itself, with the meta root only: neither Temporal nor a worker is needed to know what there is. */
export async function openVaultPoints(named: string | undefined, signal: AbortSignal): Promise<Points> {
  const { name, vault } = await openConfiguredVault(named, ['meta'], signal);
  return {
    list: ({ instanceId }) => pointLines(vault, { vault: name, machineId: instanceId }, signal),
    close: () => vault.close(),
  };
}

interface Asked {
  /** How the vault is called in the lines. */
  readonly vault: string;
  readonly machineId: string | undefined;
}

/** Newest first. Needs the meta root. */
export async function* pointLines(
  vault: Vault,
  { vault: name, machineId }: Asked,
  signal: AbortSignal,
): AsyncIterable<PointLine> {
  for (const state of await newestFirst(vault, signal)) {
    if (state.state !== 'committed') {
      // Whose it was cannot be told, and it may be this machine's newest.
      if (machineId === undefined || state.state === 'invalid') yield unusable(name, state);
    } else if (machineId === undefined || state.manifest.machine.machineId === machineId) {
      yield await committed(vault, name, state, signal);
    }
  }
}

// The vault lists oldest first, and a person wants to see the newest at once.
async function newestFirst(vault: Vault, signal: AbortSignal): Promise<readonly PointState[]> {
  const states: PointState[] = [];
  for await (const state of listPoints({ vault, signal })) states.push(state);
  return states.reverse();
}

type Unusable = Exclude<PointState, { state: 'committed' }>;
type Committed = Extract<PointState, { state: 'committed' }>;

function unusable(vault: string, found: Unusable): PointLine {
  const { state, pointId } = found;
  return { state, pointId, vault, reason: found.state === 'abandoned' ? found.fence.reason : found.reason };
}

async function committed(
  vault: Vault,
  name: string,
  { pointId, manifest, expired }: Committed,
  signal: AbortSignal,
): Promise<CommittedPoint> {
  const { machine, capture, committedAt, consistency, volumes } = manifest;
  return {
    state: expired === null ? 'committed' : 'expired',
    pointId,
    vault: name,
    instanceId: machine.machineId,
    capturedAt: capture.capturedAt,
    committedAt,
    consistency: { disks: holdsDisks(manifest) ? consistency.disks : null, agents: consistency.agents },
    volumeBytes: volumes.reduce((sum, { volumeBytes }) => sum + volumeBytes, 0),
    storedBytes: volumes.reduce((sum, { map }) => sum + map.storedBytes, 0),
    validation: await readValidation(vault, pointId, signal),
  };
}

async function readValidation(vault: Vault, pointId: string, signal: AbortSignal): Promise<Validation | null> {
  const found = await standingAttestation({ vault, pointId, signal });
  if (!found) return null;
  return {
    verdict: found.verdict === 'passed' ? 'green' : 'red',
    at: found.finishedAt,
    runId: found.runId,
    level: depthOf(found),
    disks: found.consistency.disks.verdict,
  };
}
