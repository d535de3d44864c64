import type { IsolationProfile } from '../../contract/resolved-backup.ts';
import type { Ec2Context } from './context.ts';

export interface NetworkUnderProof {
  readonly isolation: IsolationProfile;
  readonly sourceNetworkId: string;
}

export interface Finding {
  readonly holds: boolean;
  readonly found: string;
}

/** One line of the proof: a name that stays the same, one read, one verdict. */
export interface IsolationLine {
  readonly name: string;
  readonly remedy: string;
  readonly read: (context: Ec2Context, network: NetworkUnderProof, signal: AbortSignal) => Promise<Finding>;
}

/** For lines that hold when a list is empty. */
export function mustBeNone(what: string, ids: readonly (string | undefined)[]): Finding {
  if (ids.length === 0) return { holds: true, found: `no ${what}` };
  return { holds: false, found: `${what}: ${ids.map((id) => id ?? 'without id').join(', ')}` };
}
