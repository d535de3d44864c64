import { lstat, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FormatError, VaultError } from '../../errors.ts';
import { makeFolders } from '../../make-folders.ts';
import { listAttestations } from '../attest.ts';
import { sameBytes, sha256Hex } from '../bytes.ts';
import { readEvidence } from '../evidence.ts';
import type { EvidenceRef } from '../fields.ts';
import { writing } from '../image/image-target.ts';
import { isDamage } from '../is-damage.ts';
import type { Manifest } from '../manifest.ts';
import { evidenceKey } from '../object-keys.ts';
import { ifAbsent, publishFile } from '../publish-file.ts';
import type { Vault } from '../vault.ts';

export interface RecoveredEvidence {
  readonly path: string;
  readonly bytes: number;
}

export interface MissingEvidence {
  readonly object: string;
  readonly reason: string;
}

/** The evidence of a point's own run and of every verification of it, each below its run's id. */
export async function recoverEvidence({
  vault,
  manifest,
  folder,
  keepGoing,
  signal,
}: {
  readonly vault: Vault;
  readonly manifest: Manifest;
  readonly folder: string;
  readonly keepGoing: boolean;
  readonly signal: AbortSignal;
}): Promise<{ readonly evidence: readonly RecoveredEvidence[]; readonly missing: readonly MissingEvidence[] }> {
  const refs = [...manifest.evidence];
  for await (const { evidence } of listAttestations({ vault, pointId: manifest.pointId, signal }))
    refs.push(...evidence);
  const evidence: RecoveredEvidence[] = [];
  const missing: MissingEvidence[] = [];
  for (const ref of refs) {
    try {
      const bytes = await readProven(vault, ref, signal);
      const path = join(folder, ref.runId, ref.name);
      await writeNewFile(path, bytes);
      evidence.push({ path, bytes: bytes.length });
    } catch (error) {
      if (!keepGoing || !isDamage(error)) throw error;
      missing.push({ object: evidenceKey(ref.runId, ref.name), reason: error.message });
    }
  }
  return { evidence, missing };
}

/** Documents promise a digest for their evidence; what is sealed must be just that. */
async function readProven(vault: Vault, ref: EvidenceRef, signal: AbortSignal): Promise<Uint8Array> {
  const { bytes } = await readEvidence({ vault, ref, signal });
  if (sha256Hex(bytes) === ref.sha256) return bytes;
  const object = evidenceKey(ref.runId, ref.name);
  throw new FormatError(`${object} is not what its document refers to`, { context: { object } });
}

/** Repeatable: a file that holds just these bytes counts as written; any other is left as it is. */
export async function writeNewFile(path: string, bytes: Uint8Array): Promise<void> {
  await writing(path, async () => {
    await makeFolders(dirname(path));
    if (await lstat(path).catch(ifAbsent)) return mustHold(path, bytes);
    // Under its name only when all of it is on the disk: what a full disk cut short would stand in the next attempt's way.
    // A name of this process, as another one may write the same file now.
    const partial = `${path}.${process.pid}.partial`;
    try {
      await rm(partial, { force: true }); // of a process of that pid which was killed
      await writeFile(partial, bytes, { mode: 0o600, flag: 'wx', flush: true });
      await publishFile(partial, path);
    } finally {
      await rm(partial, { force: true });
    }
  });
}

async function mustHold(path: string, bytes: Uint8Array): Promise<void> {
  if (sameBytes(await readFile(path), bytes)) return;
  const message = `${path} exists with other content and nothing is overwritten; name another folder`;
  throw new VaultError('TargetExists', message, { context: { path } });
}
