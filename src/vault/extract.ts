import { createHash } from 'node:crypto';
import { FormatError } from '../errors.ts';
import { readEvidence } from './evidence.ts';
import type { Vault } from './vault.ts';

/** Name of the n-th part of what a run took out of an application, among its evidence. */
export function extractPart(n: number): string {
  return `extract-${String(n).padStart(6, '0')}`;
}

export interface ExtractToRead {
  readonly vault: Vault;
  readonly runId: string;
  readonly parts: number;
  readonly sha256: string;
  readonly signal: AbortSignal;
}

/** The parts in their order; a FormatError at the end when together they are not what was sealed. Needs the data root. */
export async function* readExtract({ vault, runId, parts, sha256, signal }: ExtractToRead): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256');
  for (let n = 0; n < parts; n++) {
    const { bytes } = await readEvidence({ vault, ref: { runId, name: extractPart(n) }, signal });
    hash.update(bytes);
    yield bytes;
  }
  const found = hash.digest('hex');
  if (found !== sha256) throw new FormatError(`the parts of run ${runId} have SHA-256 ${found}, must be ${sha256}`);
}
