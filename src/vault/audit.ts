import { VaultError } from '../errors.ts';
import type { RandomBytes } from './clock.ts';

// One in a thousand: a mover that reads 160 MiB/s spends 0.1 % of a full read on it, and hints that lie about 1 % of the
// blocks go unnoticed in 300 GiB with a chance of e^-6.
const AUDITED_SHARE = 0.001;
/** Of a shard, so of every volume too: small volumes are not left to one block by chance. */
const LEAST_AUDITED = 32;

/** Blocks said to be unchanged that are read all the same, for one shard. */
export interface Audit {
  /** Some of the candidates (ascending): half from the start, where the structures of a disk are, half at random. */
  choose(candidates: readonly number[]): ReadonlySet<number>;
}

export function createAudit(randomBytes: RandomBytes): Audit {
  let chosenSoFar = 0;
  return {
    choose(candidates) {
      const wanted = Math.max(Math.ceil(candidates.length * AUDITED_SHARE), LEAST_AUDITED - chosenSoFar);
      const count = Math.min(wanted, candidates.length);
      const first = Math.ceil(count / 2);
      const rest = pick(candidates.slice(first), count - first, randomBytes);
      chosenSoFar += count;
      return new Set([...candidates.slice(0, first), ...rest]);
    },
  };
}

/** The first steps of a Fisher-Yates shuffle. */
function pick(from: number[], count: number, randomBytes: RandomBytes): number[] {
  const random = randomBytes(count * 4);
  const view = new DataView(random.buffer, random.byteOffset, random.byteLength);
  for (let i = 0; i < count; i++) {
    const j = i + (view.getUint32(i * 4) % (from.length - i));
    [from[i], from[j]] = [from[j] ?? 0, from[i] ?? 0];
  }
  return from.slice(0, count);
}

export interface AuditedBlock {
  readonly volumeId: string;
  readonly index: number;
  readonly pointId: string;
  readonly found: string;
}

/** Nothing that was built on such hints can be trusted, so the run ends; a full read does not ask them. */
export function auditFailed({ volumeId, index, pointId, found }: AuditedBlock): VaultError {
  const message = `block ${index} of ${volumeId} was said to be unchanged since point ${pointId}, but ${found}: the platform's changed-block listings are wrong for this volume; the next run of this machine reads every block by itself; verify the points made since the last full read`;
  return new VaultError('AuditFailed', message, { context: { volumeId, block: index, pointId } });
}
