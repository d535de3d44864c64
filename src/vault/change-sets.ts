import type { ChangeSetRef } from './fields.ts';
import type { Vault } from './vault.ts';

/** Which blocks of a volume differ between capture and clone. */
export interface ChangeSet {
  readonly volumeBytes: number;
  readonly changedBlocks: number;
  has(index: number): boolean;
  /** Ascending. */
  indexes(): Iterable<number>;
}

/** Repeatable: the change set written first stands; a different second one is ObjectExists. */
export async function writeChangeSet(_: {
  vault: Vault;
  runId: string;
  volumeId: string;
  volumeBytes: number;
  indexes: AsyncIterable<number>;
  signal: AbortSignal;
}): Promise<ChangeSetRef> {
  throw new Error('not written yet');
}

export async function readChangeSet(_: {
  vault: Vault;
  runId: string;
  volumeId: string;
  signal: AbortSignal;
}): Promise<ChangeSet> {
  throw new Error('not written yet');
}
