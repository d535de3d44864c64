import type { Attestation } from '../../src/vault/attestation.ts';
import { NOW } from './vault-fixture.ts';

/** What a verification run says of a point. */
export function testAttestation(pointId: string, runId: string, verdict: Attestation['verdict']): Attestation {
  return {
    pointId,
    runId,
    verdict,
    startedAt: NOW,
    finishedAt: NOW,
    toolVersion: '0.1.0',
    workflow: { workflowId: 'verify', temporalRunId: 't' },
    consistency: { disks: { claimed: 'clean-shutdown', verdict: 'confirmed' }, agents: {} },
    checks: [],
    evidence: [],
  };
}
