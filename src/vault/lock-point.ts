import { VaultError } from '../errors.ts';
import { objectRetention, pointRetention } from './lock-policy.ts';
import type { ManifestDraft, ManifestVolume, Retention } from './manifest.ts';
import { packKey, segmentKey, VAULT_KEY } from './object-keys.ts';
import type { LockMode, ObjectRetention } from './object-store.ts';
import { pointParts, vaultParts } from './point-parts.ts';
import { readPointState } from './points.ts';
import { readMap } from './read-map.ts';
import type { Run } from './run.ts';
import { sideBySide } from './side-by-side.ts';
import type { Vault } from './vault.ts';

/** A third of the store's sockets: other volumes of the same process go on reading and writing. */
const AT_A_TIME = 32;
/**
 * So many objects that are believed to be locked are looked at in every run. Where a tenth of the locks is missing, as
 * in a vault that was copied while its points were still made, 16 looks miss it once in five runs; a lost lock that
 * matters is never a single one.
 */
const AUDITED = 16;

export interface LockProgress {
  readonly objects: number;
  readonly done: number;
}

export interface LockPointRequest {
  readonly run: Run;
  readonly draft: ManifestDraft;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: LockProgress) => void;
}

/**
 * Step 6 of docs/vault-format.md: before the commit, everything the point needs is locked until its date, what it reuses
 * from older points too. Their locks may have run out since. A crash leaves longer locks and no point.
 */
export async function lockPoint(request: LockPointRequest): Promise<Retention> {
  const { run, draft, signal, onProgress } = request;
  const needed = pointRetention(run.vault, run.runId);
  const extended = objectRetention(run.vault, run.runId);
  if (!needed || !extended) return draft.retention;
  const { believed, doubted } = await sortObjects(request, needed);
  const objects = (await believedRightly(request, believed)) ? doubted : [...doubted, ...believed];
  let weakest: LockMode = needed.mode;
  let done = 0;
  await sideBySide(objects, AT_A_TIME, async (object) => {
    const held = await ensureLocked(run.vault, { ...object, extended }, signal);
    if (held.mode === 'governance') weakest = 'governance';
    onProgress?.({ objects: objects.length, done: ++done });
  });
  return { ...draft.retention, mode: weakest, retainUntil: needed.until.toISOString() };
}

/**
 * Locks `vault.json` for as long as the run's point will need it, and so proves before any work that the store locks and
 * that the credentials may.
 */
export async function proveLock(vault: Vault, runId: string, signal: AbortSignal): Promise<void> {
  const needed = pointRetention(vault, runId);
  const extended = objectRetention(vault, runId);
  if (needed && extended) await ensureLocked(vault, { key: VAULT_KEY, until: needed.until, extended }, signal);
}

/** Must be locked at least until then. */
interface ToLock {
  readonly key: string;
  readonly until: Date;
}

interface Sorted {
  /** This run created them locked, or the parent's map says that they are locked for long enough. */
  readonly believed: readonly ToLock[];
  readonly doubted: readonly ToLock[];
}

async function sortObjects({ run, draft, signal }: LockPointRequest, needed: ObjectRetention): Promise<Sorted> {
  const { vault, runId } = run;
  const believed = new Map<string, ToLock>();
  const doubted = new Map<string, ToLock>();
  const sort = (key: string, isLocked: boolean, until = needed.until) =>
    (isLocked ? believed : doubted).set(key, { key, until });
  for (const key of [...(await vaultParts(vault, signal)), ...pointParts(draft)]) sort(key, false);
  for (const volume of draft.volumes) {
    const map = await readMap(vault, volume, signal);
    const promised = await promisedByParent(run, { volume, draft, needed }, signal);
    for (const segment of map.segments) {
      if (segment) sort(segmentKey(segment.runId, segment.segmentId), segment.runId === runId);
    }
    for (const pack of map.packs) {
      // What the map promises must hold too: the next run believes it.
      const until = new Date(Math.max(needed.until.getTime(), pack.retainUntil * 1000));
      sort(packKey(pack.runId, pack.packId), pack.runId === runId || promised.has(pack.packId), until);
    }
  }
  return { believed: [...believed.values()], doubted: [...doubted.values()] };
}

interface OneVolume {
  readonly volume: ManifestVolume;
  readonly draft: ManifestDraft;
  readonly needed: ObjectRetention;
}

/** The packs that were locked for this long when the parent was committed, in the mode wanted now. */
async function promisedByParent(
  { vault }: Run,
  { volume, draft, needed }: OneVolume,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const parent = draft.parents.find(({ volumeId }) => volumeId === volume.volumeId);
  const point = parent && (await readPointState(vault, parent.pointId, signal));
  if (point?.state !== 'committed' || point.manifest.retention.mode !== needed.mode) return new Set();
  const ref = point.manifest.volumes.find(({ map }) => map.mapId === parent?.mapId);
  const packs = ref ? (await readMap(vault, ref, signal)).packs : [];
  const untilSeconds = needed.until.getTime() / 1000;
  return new Set(packs.filter(({ retainUntil }) => retainUntil >= untilSeconds).map(({ packId }) => packId));
}

/** Maps say what was asked for, the store what holds: a copied vault or a lifted governance lock shows here. */
async function believedRightly({ run, signal }: LockPointRequest, believed: readonly ToLock[]): Promise<boolean> {
  const { store, randomBytes } = run.vault;
  const random = new DataView(Uint8Array.from(randomBytes(AUDITED * 4)).buffer);
  const picks = Array.from({ length: AUDITED }, (_, i) => believed[random.getUint32(i * 4) % believed.length]);
  let right = true;
  await sideBySide(new Set(picks.filter((pick) => pick !== undefined)), AT_A_TIME, async ({ key, until }) => {
    const held = await store.retentionOf(key, signal);
    if (!held || held.until < until) right = false;
  });
  return right;
}

/** Read first: what is locked for long enough is left alone, so an extension happens about once a month. */
async function ensureLocked(
  vault: Vault,
  { key, until, extended }: ToLock & { readonly extended: ObjectRetention },
  signal: AbortSignal,
): Promise<ObjectRetention> {
  const held = await vault.store.retentionOf(key, signal);
  if (held && held.until >= until) return held;
  const longest = extended.until > until ? extended.until : until;
  const locked = await vault.store.retain(key, { mode: extended.mode, until: longest }, signal);
  if (locked.until >= until) return locked;
  const message = `${key} in ${vault.store.url} is locked until ${locked.until.toISOString()} after it was extended, must be ${until.toISOString()}; the store does not keep its locks, see 'understudy vault check'`;
  throw new VaultError('LockUnsupported', message, { context: { key } });
}
