import type { ResolvedCheck } from '../contract/check-request.ts';
import type { CheckResult } from '../contract/results.ts';
import { endsRed, type Finding, type PointVerdict, readStanding, type Vault, verifyVault } from '../vault/index.ts';
import { type Beat, beating } from './beating.ts';
import type { VaultDoor } from './vault-door.ts';

export interface CheckDeps {
  readonly vaults: VaultDoor;
}

/** What a check found, and which points are to be marked for it. Stands in histories: ids and cut sentences only. */
export interface CheckFindings {
  readonly result: CheckResult;
  readonly marks: readonly PointMark[];
}

export interface PointMark {
  readonly pointId: string;
  readonly verdict: 'green' | 'red';
  readonly text: string;
}

const MOST_SHOWN = 20;
const MOST_NAMED = 100;
/** Sentences for so many points; the others are marked all the same, with a shorter one. 100,000 points make 6 MB else. */
const MOST_EXPLAINED = 500;
const LONGEST_TEXT = 200;

export function createCheckActivities({ vaults }: CheckDeps) {
  return {
    /**
     * Reads the vault at the asked level. Damage is a finding and no error; errors mean that it could not be looked at.
     * Repeatable: another attempt is another check.
     */
    async checkVault({ vault: name, level, pointIds }: ResolvedCheck): Promise<CheckFindings> {
      return beating(async (beat) => {
        const vault = await vaults.open(name, beat.signal);
        const findings: Finding[] = [];
        const found = await verifyVault({
          vault,
          level,
          ...(pointIds && { pointIds }),
          signal: beat.signal,
          onFinding: (finding) => void findings.push(finding),
          onProgress: (progress) => beat.progress(progress),
        });
        const damaged = found.points.filter(({ verdict }) => verdict === 'damaged');
        const { checkId, startedAt, finishedAt, packs, packsRead, blocksRead, bytesRead, damage, notices } = found;
        return {
          result: {
            ...{
              checkId,
              vault: name,
              level,
              verdict: found.verdict === 'sound' ? 'green' : 'red',
              startedAt,
              finishedAt,
            },
            points: found.points.length,
            damagedPoints: damaged.slice(0, MOST_NAMED).map(({ pointId }) => pointId),
            ...{ packs, packsRead, blocksRead, bytesRead, damage, notices },
            findings: shown(findings),
          },
          marks: [
            ...damaged.map(({ pointId }, n) => markRed(pointId, n < MOST_EXPLAINED ? findings : [])),
            ...(await greenMarks(vault, { points: found.points, level, asked: pointIds !== undefined }, beat)),
          ],
        };
      });
    },
  };
}

function shown(findings: readonly Finding[]): string[] {
  const damageFirst = [...findings].sort((a, b) => a.severity.localeCompare(b.severity));
  return damageFirst.slice(0, MOST_SHOWN).map(sentence);
}

function sentence({ severity, object, found }: Finding): string {
  const text = found.startsWith(object) ? found : `${object}: ${found}`;
  return `${severity}: ${text}`.slice(0, LONGEST_TEXT);
}

function markRed(pointId: string, findings: readonly Finding[]): PointMark {
  const why = findings.find((finding) => finding.pointId === pointId && finding.severity === 'damage');
  return { pointId, verdict: 'red', text: why ? sentence(why) : 'objects of it are damaged' };
}

/**
 * Attestations are never removed, so a daily look at a thousand sound points must not write a thousand of them: only
 * points that were asked for are marked green, and those whose red mark this look is the answer to.
 */
async function greenMarks(
  vault: Vault,
  { points, level, asked }: { readonly points: readonly PointVerdict[]; level: ResolvedCheck['level']; asked: boolean },
  { signal, progress }: Beat,
): Promise<PointMark[]> {
  const marks: PointMark[] = [];
  for (const { pointId, verdict } of points) {
    if (verdict === 'damaged') continue;
    progress({ marking: pointId });
    const { red } = asked ? { red: undefined } : await readStanding({ vault, pointId, signal });
    if (asked || (red && endsRed(level, red))) marks.push({ pointId, verdict: 'green', text: 'nothing is damaged' });
  }
  return marks;
}
