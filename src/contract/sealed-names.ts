import type { EvidenceRef } from './evidence.ts';

/** Where evidence of a run stands in its vault, for `understudy vault inspect <url> <key> --raw` (docs/vault-format.md, 1). */
export function sealedNames(runId: string, evidence: readonly Pick<EvidenceRef, 'name'>[]): string {
  if (evidence.length === 0) return 'nothing';
  return evidence.map(({ name }) => `runs/${runId}/evidence/${name}`).join(', ');
}
