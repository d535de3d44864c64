import { VaultError } from '../../errors.ts';
import type { Vault } from '../vault.ts';
import { type CheckRecord, latestCheck, newCheckId, type VerifyLevel, writeCheck } from './check-record.ts';
import type { OnFinding } from './findings.ts';
import { judgePoints, type PointVerdict } from './judge-points.ts';
import { learnPoints } from './learn-points.ts';
import { type PacksRead, readPacks } from './read-packs.ts';
import type { Verification, VerifyProgress } from './verification.ts';

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
  const { vault, level, pointIds, onProgress, signal } = request;
  const told = { damage: 0, notice: 0 };
  const tell: OnFinding = (finding) => {
    told[finding.severity]++;
    request.onFinding?.(finding);
  };
  const work: Verification = { vault, level, pointIds, points: new Map(), known: new Map(), tell, onProgress, signal };
  const startedAt = vault.clock.now().toISOString();
  const checkId = newCheckId(vault, startedAt);
  // Fails now and not after an hour when the role may not open blocks.
  if (level !== 'structure') vault.keys.data(1, 'block-id');
  await learnPoints(work);
  const last = pointIds || level === 'structure' ? undefined : await latestCheck(vault, signal);
  const read = await readPacks(work, { checkId, last });
  const points = await judgePoints(work);
  const finishedAt = vault.clock.now().toISOString();
  const facts = { checkId, level, startedAt, finishedAt };
  const remembered = await remember(work, { ...facts, ...read, damage: told.damage });
  const counts = { packsRead: read.packs, blocksRead: read.blocks, bytesRead: read.bytes };
  return {
    ...facts,
    verdict: told.damage > 0 ? 'damaged' : 'sound',
    points,
    packs: work.known.size,
    ...counts,
    damage: told.damage,
    notices: told.notice,
    remembered,
  };
}

type Facts = Pick<CheckRecord, 'checkId' | 'level' | 'startedAt' | 'finishedAt' | 'damage'> & PacksRead;

async function remember({ vault, pointIds, points, known, signal }: Verification, facts: Facts): Promise<boolean> {
  if (pointIds || facts.level === 'structure') return false;
  const { checkId, level, startedAt, finishedAt, damage, cursor, packs: packsRead, blocks: blocksRead } = facts;
  const commits = [...points.values()].map(({ committedAt }) => committedAt).sort();
  const read = { packsRead, blocksRead, damage, cursor };
  const seen = { points: points.size, packs: known.size, newestCommit: commits.at(-1) ?? null };
  try {
    await writeCheck(vault, { checkId, level, startedAt, finishedAt, ...seen, ...read }, signal);
    return true;
  } catch (error) {
    if (error instanceof VaultError && error.code === 'AccessDenied') return false;
    throw error;
  }
}
