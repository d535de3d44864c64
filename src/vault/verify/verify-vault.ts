import { UnderstudyError, VaultError } from '../../errors.ts';
import { mustKnow } from '../features.ts';
import { RunId } from '../fields.ts';
import { inOrder, type Task } from '../in-order.ts';
import type { Manifest } from '../manifest.ts';
import { pointKey } from '../object-keys.ts';
import { listPoints, readPoint } from '../points.ts';
import { readMap } from '../read-map.ts';
import { findTombstone } from '../read-tombstone.ts';
import type { Vault } from '../vault.ts';
import { type CheckRecord, latestCheck, newCheckId, type VerifyLevel, writeCheck } from './check-record.ts';
import { choosePacks, NEW_BLOCKS_SHARE } from './choose-packs.ts';
import { damageIn, type Finding, type OnFinding } from './findings.ts';
import { type KnownPack, type KnownPacks, learnPacks } from './known-packs.ts';
import { type PackReading, readPackSample, readWholePack } from './read-pack.ts';
import { verifyDocuments } from './verify-documents.ts';
import { type VolumeVerdict, verifyVolume } from './verify-volume.ts';

export interface VerifyVaultRequest {
  readonly vault: Vault;
  readonly level: VerifyLevel;
  /** Only these points; all that have not expired when absent. A rotation is remembered only over all of them. */
  readonly pointIds?: readonly string[];
  /** Told of each finding as soon as the point it belongs to is judged. */
  readonly onFinding?: OnFinding;
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly signal: AbortSignal;
}

export interface VerifyProgress {
  readonly step: 'points' | 'packs' | 'volumes';
  readonly done: number;
  /** Unknown while points are listed. */
  readonly of?: number;
}

export interface PointVerdict {
  readonly pointId: string;
  readonly verdict: 'sound' | 'damaged';
  readonly volumes: readonly VolumeVerdict[];
}

export interface VaultVerdict {
  readonly checkId: string;
  readonly level: VerifyLevel;
  readonly verdict: 'sound' | 'damaged';
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly points: readonly PointVerdict[];
  readonly packs: number;
  readonly packsRead: number;
  readonly blocksRead: number;
  readonly bytesRead: number;
  readonly damage: number;
  readonly notices: number;
  /** False when the vault takes no writes from this role: the next sample chooses as this one did. */
  readonly remembered: boolean;
}

/**
 * Says what of a vault is sound. `structure` reads every document, map and segment and compares sizes; `sample` opens
 * some blocks as well, `full` all of them. Damage never ends it: it is named, and the rest is looked at. Errors mean
 * that the vault could not be looked at. Needs the meta root, from `sample` on data too. Memory: a map of one volume,
 * and per TiB of distinct packs 10 MiB, at `full` 26.
 */
export async function verifyVault(request: VerifyVaultRequest): Promise<VaultVerdict> {
  const verification = new Verification(request);
  return verification.run();
}

// A pack read whole is up to 64 MiB; a sampled one is a few ranges whose time is waiting.
const WHOLE_AHEAD = 2;
const SAMPLED_AHEAD = 8;

class Verification {
  readonly #request: VerifyVaultRequest;
  readonly #vault: Vault;
  readonly #known: KnownPacks = new Map();
  readonly #points = new Map<string, { readonly committedAt: string; readonly expired: boolean }>();
  readonly #read = { packs: 0, blocks: 0, bytes: 0 };
  readonly #told = { damage: 0, notice: 0 };

  constructor(request: VerifyVaultRequest) {
    this.#request = request;
    this.#vault = request.vault;
  }

  async run(): Promise<VaultVerdict> {
    const { level, pointIds } = this.#request;
    const startedAt = this.#vault.clock.now().toISOString();
    const checkId = newCheckId(this.#vault, startedAt);
    // Fails now and not after an hour when the role may not open blocks.
    if (level !== 'structure') this.#vault.keys.data(1, 'block-id');
    await (pointIds ? this.#learnNamed(pointIds) : this.#learnAll());
    const last = pointIds || level === 'structure' ? undefined : await latestCheck(this.#vault, this.#request.signal);
    const cursor = await this.#readPacks(checkId, last);
    const points = await this.#judgePoints();
    const finishedAt = this.#vault.clock.now().toISOString();
    const facts = { checkId, level, startedAt, finishedAt };
    const remembered = await this.#remember({ ...facts, cursor });
    const { packs: packsRead, blocks: blocksRead, bytes: bytesRead } = this.#read;
    const { damage, notice: notices } = this.#told;
    const verdict = damage > 0 ? 'damaged' : 'sound';
    const counts = { packs: this.#known.size, packsRead, blocksRead, bytesRead, damage, notices };
    return { ...facts, verdict, points, ...counts, remembered };
  }

  async #learnNamed(pointIds: readonly string[]): Promise<void> {
    for (const pointId of new Set(pointIds)) {
      const manifest = await readPoint({ vault: this.#vault, pointId, signal: this.#request.signal });
      const tombstone = await this.#readTombstone(pointId);
      await this.#learn(manifest, tombstone === 'valid');
    }
  }

  async #learnAll(): Promise<void> {
    const { signal } = this.#request;
    await this.#verifyTombstones();
    for await (const point of listPoints({ vault: this.#vault, signal })) {
      if (point.state === 'invalid') this.#tell(invalidPoint(point.pointId, point.reason));
      if (point.state !== 'committed' || point.expired) continue;
      if (this.#mayRead(point.manifest)) await this.#learn(point.manifest, false);
    }
  }

  async #verifyTombstones(): Promise<void> {
    for await (const { key } of this.#vault.store.list('tombstones/', this.#request.signal)) {
      const pointId = /^tombstones\/(.*)\.json$/.exec(key)?.[1];
      if (pointId === undefined || !RunId.safeParse(pointId).success) continue;
      await this.#readTombstone(pointId);
    }
  }

  /** A forged one ends nothing, but somebody wrote it. */
  async #readTombstone(pointId: string): Promise<'valid' | 'none'> {
    const remains = 'it is ignored and the point stays; find out who wrote it';
    const onInvalid = (object: string, found: string) =>
      this.#tell({ severity: 'notice', object, found, remains, pointId });
    const found = await findTombstone(this.#vault, { pointId, signal: this.#request.signal, onInvalid });
    return found ? 'valid' : 'none';
  }

  #mayRead({ features, pointId }: Manifest): boolean {
    try {
      mustKnow(features.read, pointKey(pointId));
      return true;
    } catch (error) {
      if (!(error instanceof UnderstudyError)) throw error;
      const remains = 'it was not looked at; verify it with a later version';
      this.#tell({ severity: 'notice', object: pointKey(pointId), found: error.message, remains, pointId });
      return false;
    }
  }

  async #learn({ pointId, committedAt, volumes }: Manifest, expired: boolean): Promise<void> {
    const { signal, onProgress } = this.#request;
    this.#points.set(pointId, { committedAt, expired });
    for (const { volumeId, map: ref } of volumes) {
      try {
        const { packs } = await readMap(this.#vault, { volumeId, map: ref }, signal);
        await learnPacks(this.#vault, { known: this.#known, packs }, signal);
      } catch (error) {
        // Named when the volume is judged.
        damageIn(error);
      }
    }
    onProgress?.({ step: 'points', done: this.#points.size });
  }

  async #readPacks(checkId: string, last: CheckRecord | undefined): Promise<CheckRecord['cursor']> {
    const { level, signal, onProgress } = this.#request;
    const newestCommit = last?.newestCommit ?? '';
    const isNew = (runId: string) => (this.#points.get(runId)?.committedAt ?? '') > newestCommit || last === undefined;
    const { whole, sampled, cursor } = choosePacks(this.#known, { level, isNew, last });
    const of = whole.length + sampled.length;
    const vault = this.#vault;
    const sample = { share: NEW_BLOCKS_SHARE, seed: checkId };
    const batches = [
      {
        packs: whole,
        depth: WHOLE_AHEAD,
        read: (pack: KnownPack, ours: AbortSignal) => readWholePack(vault, pack, ours),
      },
      {
        packs: sampled,
        depth: SAMPLED_AHEAD,
        read: (pack: KnownPack, ours: AbortSignal) => readPackSample(vault, { pack, ...sample }, ours),
      },
    ];
    for (const { packs, depth, read } of batches) {
      const tasks = packs.map(
        (pack): Task<void> =>
          async (ours) =>
            this.#note(pack, await read(pack, ours)),
      );
      for await (const _ of inOrder(tasks, { depth, signal }))
        onProgress?.({ step: 'packs', done: this.#read.packs, of });
    }
    return cursor;
  }

  #note(pack: KnownPack, { fault, proven, blocks, bytes }: PackReading): void {
    pack.fault = fault;
    pack.proven = proven;
    this.#read.packs++;
    this.#read.blocks += blocks;
    this.#read.bytes += bytes;
  }

  async #judgePoints(): Promise<PointVerdict[]> {
    const verdicts: PointVerdict[] = [];
    for (const [pointId, { expired }] of this.#points) {
      verdicts.push(await this.#judgePoint(pointId, expired));
      this.#request.onProgress?.({ step: 'volumes', done: verdicts.length, of: this.#points.size });
    }
    return verdicts;
  }

  async #judgePoint(pointId: string, expired: boolean): Promise<PointVerdict> {
    const { level, signal } = this.#request;
    const vault = this.#vault;
    const findings: Finding[] = [];
    const onFinding = (finding: Finding) => void findings.push(finding);
    const volumes: VolumeVerdict[] = [];
    try {
      const manifest = await readPoint({ vault, pointId, signal });
      const read = level !== 'structure';
      await verifyDocuments({ vault, manifest, read, onFinding }, signal);
      for (const volume of manifest.volumes) {
        volumes.push(await verifyVolume({ vault, pointId, volume, known: this.#known, read, onFinding }, signal));
      }
    } catch (error) {
      if (!(error instanceof VaultError && error.code === 'PointMissing')) damageIn(error);
      onFinding(vanished(pointId, error));
    }
    const damaged = findings.some(({ severity }) => severity === 'damage');
    // What has expired meanwhile may be collected meanwhile.
    const ended = damaged && (expired || (await this.#readTombstone(pointId)) === 'valid');
    for (const finding of findings) this.#tell(ended ? asExpired(finding) : finding);
    return { pointId, verdict: damaged && !ended ? 'damaged' : 'sound', volumes };
  }

  #tell(finding: Finding): void {
    this.#told[finding.severity]++;
    this.#request.onFinding?.(finding);
  }

  async #remember(
    facts: Pick<CheckRecord, 'checkId' | 'level' | 'startedAt' | 'finishedAt' | 'cursor'>,
  ): Promise<boolean> {
    if (this.#request.pointIds || facts.level === 'structure') return false;
    const commits = [...this.#points.values()].map(({ committedAt }) => committedAt).sort();
    const record: CheckRecord = {
      ...facts,
      points: this.#points.size,
      packs: this.#known.size,
      packsRead: this.#read.packs,
      blocksRead: this.#read.blocks,
      damage: this.#told.damage,
      newestCommit: commits.at(-1) ?? null,
    };
    try {
      await writeCheck(this.#vault, record, this.#request.signal);
      return true;
    } catch (error) {
      if (error instanceof VaultError && error.code === 'AccessDenied') return false;
      throw error;
    }
  }
}

function invalidPoint(pointId: string, found: string): Finding {
  const remains = 'nothing through this point, which counts as abandoned; no other point needs it to be read';
  return { severity: 'damage', object: pointKey(pointId), found, remains, pointId };
}

function vanished(pointId: string, error: unknown): Finding {
  const found = error instanceof Error ? error.message : String(error);
  const remains = 'it was there when the verification began';
  return { severity: 'damage', object: pointKey(pointId), found, remains, pointId };
}

function asExpired(finding: Finding): Finding {
  if (finding.severity === 'notice') return finding;
  return {
    ...finding,
    severity: 'notice',
    remains: `the point has expired, so this may be collected; ${finding.remains}`,
  };
}
