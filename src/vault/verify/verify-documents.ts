import { FormatError } from '../../errors.ts';
import { listAttestations } from '../attest.ts';
import { sha256Hex } from '../bytes.ts';
import { catalogKeyOf } from '../catalog.ts';
import { checkCatalogLine } from '../catalog-lines.ts';
import { readChangeSet } from '../change-sets.ts';
import { readEvidence } from '../evidence.ts';
import { holdsOf } from '../holds.ts';
import type { Manifest } from '../manifest.ts';
import { changesKey, evidenceKey, sessionKey } from '../object-keys.ts';
import { openRun } from '../run.ts';
import type { Vault } from '../vault.ts';
import { damageIn, type OnFinding } from './findings.ts';

interface DocumentsRequest {
  readonly vault: Vault;
  readonly manifest: Manifest;
  /** Evidence and change sets are read whole, too. */
  readonly read: boolean;
  readonly onFinding: OnFinding;
}

const BLOCKS_UNTOUCHED = 'every block of the point: this object is not needed for reading them';

/** What stands around a point's volumes: session, change sets, evidence, attestations, holds, catalog line. */
export async function verifyDocuments(request: DocumentsRequest, signal: AbortSignal): Promise<void> {
  const { vault, manifest, onFinding } = request;
  const { pointId } = manifest;
  await tell(request, sessionKey(pointId), () => openRun(vault, pointId, signal));
  await verifyChangeSets(request, signal);
  await verifyEvidence(request, signal);
  const onInvalid = (object: string, found: string) =>
    onFinding({ severity: 'notice', object, found, remains: 'it is ignored; find out who wrote it', pointId });
  for await (const _ of listAttestations({ vault, pointId, signal, onInvalid }));
  await verifyHolds(request, signal);
  const line = await checkCatalogLine(vault, manifest, signal);
  if (line.state === 'right') return;
  const object = catalogKeyOf(manifest);
  const found = line.state === 'missing' ? `${object} does not exist` : line.found;
  const remains =
    line.state === 'missing'
      ? 'rebuild-catalog writes it anew'
      : 'nothing depends on it; remove it, then rebuild-catalog writes it anew';
  onFinding({ severity: 'notice', object, found, remains, pointId });
}

async function verifyHolds({ vault, manifest, onFinding }: DocumentsRequest, signal: AbortSignal): Promise<void> {
  const { pointId } = manifest;
  const remains =
    'as if it were a hold, which it may have been, the point does not expire; release the point to end it';
  const onInvalid = (object: string, found: string) =>
    onFinding({ severity: 'notice', object, found, remains, pointId });
  await holdsOf({ vault, pointId, signal, onInvalid });
}

async function verifyChangeSets(request: DocumentsRequest, signal: AbortSignal): Promise<void> {
  const { vault, manifest, read } = request;
  const { pointId: runId } = manifest;
  for (const { volumeId, changes } of manifest.volumes) {
    if (!changes) continue;
    const key = changesKey(runId, volumeId);
    await tell(request, key, async () => {
      const { bytes } = await vault.store.head(key, signal);
      mustEqual(key, 'length', bytes, changes.bytes);
      if (!read) return;
      mustEqual(key, 'SHA-256', sha256Hex(await vault.store.get(key, signal)), changes.sha256);
      await readChangeSet({ vault, runId, volumeId, signal });
    });
  }
}

async function verifyEvidence(request: DocumentsRequest, signal: AbortSignal): Promise<void> {
  const { vault, manifest, read } = request;
  for (const ref of manifest.evidence) {
    const key = evidenceKey(ref.runId, ref.name);
    await tell(request, key, async () => {
      if (!read) return vault.store.head(key, signal);
      const { bytes } = await readEvidence({ vault, ref, signal });
      mustEqual(key, 'SHA-256 of the content', sha256Hex(bytes), ref.sha256);
      return undefined;
    });
  }
}

function mustEqual(key: string, what: string, found: string | number, wanted: string | number): void {
  if (found !== wanted) throw new FormatError(`${key}: ${what} is ${found}, the manifest says ${wanted}`);
}

async function tell({ manifest, onFinding }: DocumentsRequest, object: string, look: () => Promise<unknown>) {
  try {
    await look();
  } catch (error) {
    const found = damageIn(error);
    onFinding({ severity: 'damage', object, found, remains: BLOCKS_UNTOUCHED, pointId: manifest.pointId });
  }
}
