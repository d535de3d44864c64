import type { EvidenceRef } from '../contract/evidence.ts';
import type { OwnMachine } from '../contract/machine.ts';
import type { Run } from '../contract/run.ts';
import { guestText } from '../disk/guest-text.ts';
import { writeEvidence } from '../vault/index.ts';
import type { Beat } from './beating.ts';
import type { VaultDoor } from './vault-door.ts';

export interface EvidenceRequest {
  readonly run: Run;
  readonly vault: string;
  readonly machine: OwnMachine;
}

export type EvidenceFiles = readonly {
  readonly name: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}[];

/** Into the vault under the run; a repeated attempt finds what an earlier one sealed. */
export async function sealEvidence(
  vaults: VaultDoor,
  { run, vault: vaultName, machine }: EvidenceRequest,
  files: EvidenceFiles,
  { signal, progress }: Beat,
): Promise<readonly EvidenceRef[]> {
  if (files.length === 0) return [];
  const vault = await vaults.open(vaultName, signal);
  const refs: EvidenceRef[] = [];
  for (const { name: file, contentType, bytes } of files) {
    const name = `${machine.role}-${machine.attempt}-${evidenceName(file)}`;
    const ref = await writeEvidence({ vault, runId: run.runId, name, contentType, bytes, signal });
    refs.push({ name: ref.name, sha256: ref.sha256, bytes: ref.bytes, contentType: ref.contentType });
    progress();
  }
  return refs;
}

/** The vault's EvidenceName takes 100 characters; 12 are for the machine's role and attempt. */
const NAME_CHARACTERS = 88;
/** Longer than any `.after-agent.status`: what differs between the files of one recipe. */
const END_CHARACTERS = 20;

/** Names of results come from the guest: only harmless characters stay. A long one loses its middle, so that files stay apart. */
function evidenceName(name: string): string {
  const harmless = guestText(name).replaceAll(/[^A-Za-z0-9._-]/g, '-');
  if (harmless.length <= NAME_CHARACTERS) return harmless;
  return `${harmless.slice(0, NAME_CHARACTERS - END_CHARACTERS - 1)}-${harmless.slice(-END_CHARACTERS)}`;
}
