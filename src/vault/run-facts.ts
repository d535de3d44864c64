import type { Manifest } from './manifest.ts';
import { CHECK_DEPTHS, type CheckDepth } from './standing.ts';

/**
 * What later runs must know of this one. The manifest has no fields of its own for it, so it stands among
 * `machine.facts`, whose names that begin with `understudy.` belong to the run (docs/vault-format.md 7.2).
 */
export interface RunFacts {
  /** How deep a verification was asked for: without a green one the point is then no parent. Null: none was. */
  readonly verify: CheckDepth | null;
  /** Points in a row, this one included, that were read by changed-block hints; 0 when every block was read. */
  readonly pointsByHints: number;
}

const VERIFY = 'understudy.verify';
const POINTS_BY_HINTS = 'understudy.pointsByHints';

export function recordRunFacts({ verify, pointsByHints }: RunFacts): Record<string, boolean | number | string> {
  // `true` is what a launch has always been called.
  return { [VERIFY]: verify === 'launch' ? true : (verify ?? false), [POINTS_BY_HINTS]: pointsByHints };
}

/** Whoever recorded nothing asked for no verification and read every block. */
export function readRunFacts({ machine }: Pick<Manifest, 'machine'>): RunFacts {
  const points = machine.facts[POINTS_BY_HINTS];
  return { verify: readVerify(machine.facts[VERIFY]), pointsByHints: typeof points === 'number' ? points : 0 };
}

function readVerify(fact: unknown): CheckDepth | null {
  if (fact === true) return 'launch';
  return CHECK_DEPTHS.find((depth) => depth === fact) ?? null;
}
