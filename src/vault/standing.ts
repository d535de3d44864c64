import { listAttestations } from './attest.ts';
import type { Attestation } from './attestation.ts';
import type { OnInvalid } from './read-keys.ts';
import type { Vault } from './vault.ts';

/** How deep a check of a point went, from shallow to deep; docs/vault-format.md 9. */
export const CHECK_DEPTHS = ['structure', 'sample', 'full', 'launch'] as const;
export type CheckDepth = (typeof CHECK_DEPTHS)[number];

/**
 * Which red verdicts a green one ends: those of depths of which it has read everything again. A sample reads other blocks
 * each time, so it ends none of its own; only a launch ends a launch.
 */
const ENDS = {
  structure: ['structure'],
  sample: ['structure'],
  full: ['structure', 'sample', 'full'],
  launch: CHECK_DEPTHS,
} as const satisfies Record<CheckDepth, readonly CheckDepth[]>;

/** What a point's attestations say of it together. */
export interface Standing {
  /** The newest red one that no later check has ended. */
  readonly red: Attestation | undefined;
  /** The deepest green one; the newest of equals. */
  readonly green: Attestation | undefined;
  /** ISO 8601: when every block of it was last read and found right; empty when never. */
  readonly provenAt: string;
}

export function depthOf({ level }: Pick<Attestation, 'level'>): CheckDepth {
  return level ?? 'launch';
}

/** A verification of a lower level neither hides what a deeper one found nor takes its place. */
export function judgeAttestations(oldestFirst: readonly Attestation[]): Standing {
  let reds: Attestation[] = [];
  let green: Attestation | undefined;
  let provenAt = '';
  for (const attestation of oldestFirst) {
    if (attestation.verdict === 'failed') {
      reds.push(attestation);
      continue;
    }
    const depth = depthOf(attestation);
    reds = reds.filter((red) => !endsRed(depth, red));
    if (!green || isAtLeastAsDeep(depth, depthOf(green))) green = attestation;
    if (isAtLeastAsDeep(depth, 'full')) provenAt = attestation.finishedAt;
  }
  return { red: reds.at(-1), green, provenAt };
}

/** Whether a green check of this depth is an answer to what that red one found. */
export function endsRed(depth: CheckDepth, red: Attestation): boolean {
  const ended: readonly CheckDepth[] = ENDS[depth];
  return ended.includes(depthOf(red));
}

function isAtLeastAsDeep(depth: CheckDepth, wanted: CheckDepth): boolean {
  return CHECK_DEPTHS.indexOf(depth) >= CHECK_DEPTHS.indexOf(wanted);
}

/** Not red, and verified as deeply as was asked for; null: nobody asked. */
export function isSound({ red, green }: Standing, asked: CheckDepth | null): boolean {
  if (red) return false;
  return asked === null || (green !== undefined && isAtLeastAsDeep(depthOf(green), asked));
}

interface StandingRequest {
  readonly vault: Vault;
  readonly pointId: string;
  readonly signal: AbortSignal;
  /** Told of each attestation that proves nothing. */
  readonly onInvalid?: OnInvalid;
}

export async function readStanding(request: StandingRequest): Promise<Standing> {
  const attestations: Attestation[] = [];
  for await (const attestation of listAttestations(request)) attestations.push(attestation);
  return judgeAttestations(attestations);
}

/** The attestation that counts now: a red one that stands, else the deepest green one. */
export async function standingAttestation(request: StandingRequest): Promise<Attestation | undefined> {
  const { red, green } = await readStanding(request);
  return red ?? green;
}
