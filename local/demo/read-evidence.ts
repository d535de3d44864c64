import type { BackupResult } from '../../src/contract/results.ts';
import type { MachineEvidence } from '../../src/report/report-data.ts';
import { type Manifest, readEvidence, readPoint, standingAttestation, type Vault } from '../../src/vault/index.ts';
import type { LabStatus } from '../up/lab-status.ts';
import { openLabVault } from '../up/lab-vault.ts';

/** What the vault holds of a run beside its blocks, read back as an auditor would read it. */
export interface SealedEvidence {
  /** Facts that PostgreSQL's probe answered in the restored machine. */
  readonly bankFacts: Readonly<Record<string, unknown>>;
  readonly machines: readonly MachineEvidence[];
}

const BANK_ANSWER = 'answers-postgresql.probe.json';

/** Needs the lab's variables in `process.env`: the vault opens its clients by the standard chain. */
export async function readSealedEvidence(
  status: LabStatus,
  { pointId, verification }: BackupResult,
  signal: AbortSignal,
): Promise<SealedEvidence> {
  const vault = await openLabVault(status, signal);
  try {
    const manifest = await readPoint({ vault, pointId, signal });
    const attestation = await standingAttestation({ vault, pointId, signal });
    const clone = await readFiles(vault, manifest.evidence, signal);
    const verify = await readFiles(vault, attestation?.evidence ?? [], signal);
    return {
      bankFacts: parseFacts(find(verify, BANK_ANSWER)),
      machines: [
        machine('clone', manifest.capture.cloneId ?? 'the clone', clone),
        machine('verify', verification?.runId ?? 'the restored machine', verify),
      ],
    };
  } finally {
    await vault.close();
  }
}

type Files = ReadonlyMap<string, Uint8Array>;

async function readFiles(vault: Vault, refs: Manifest['evidence'], signal: AbortSignal): Promise<Files> {
  const wanted = refs.filter(({ name }) => /(console\.txt|screenshot\.jpg|probe\.json)$/.test(name));
  const files = new Map<string, Uint8Array>();
  for (const ref of wanted) files.set(ref.name, (await readEvidence({ vault, ref, signal })).bytes);
  return files;
}

function machine(role: 'clone' | 'verify', machineId: string, files: Files): MachineEvidence {
  const [screenshot, console] = [find(files, 'screenshot.jpg'), find(files, 'console.txt')];
  return { role, machineId, ...(screenshot && { screenshot }), ...(console && { console }) };
}

function find(files: Files, ending: string): Uint8Array | undefined {
  return [...files].find(([name]) => name.endsWith(ending))?.[1];
}

function parseFacts(bytes: Uint8Array | undefined): Readonly<Record<string, unknown>> {
  if (!bytes) return {};
  const answer: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (typeof answer !== 'object' || answer === null || !('facts' in answer)) return {};
  return answer.facts as Readonly<Record<string, unknown>>;
}
