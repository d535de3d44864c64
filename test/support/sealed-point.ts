import type { LabStatus } from '../../local/up/lab-status.ts';
import { openLabVault } from '../../local/up/lab-vault.ts';
import { type Manifest, readEvidence, readPoint } from '../../src/vault/index.ts';

/** One committed point as an auditor reads it: the manifest, and the texts that were sealed beside it. */
export interface SealedPoint {
  readonly manifest: Manifest;
  /** By name. */
  readonly evidence: ReadonlyMap<string, Uint8Array>;
}

export async function readSealedPoint(status: LabStatus, pointId: string): Promise<SealedPoint> {
  const { signal } = new AbortController();
  const vault = await openLabVault(status, signal);
  try {
    const manifest = await readPoint({ vault, pointId, signal });
    const evidence = new Map<string, Uint8Array>();
    for (const ref of manifest.evidence) evidence.set(ref.name, (await readEvidence({ vault, ref, signal })).bytes);
    return { manifest, evidence };
  } finally {
    await vault.close();
  }
}
