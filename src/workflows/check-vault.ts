import { setCurrentDetails } from '@temporalio/workflow';
import type { CheckRequest } from '../contract/check-request.ts';
import type { CheckResult } from '../contract/results.ts';
import { failure, readableFailure } from './failures.ts';
import { markdownText } from './markdown.ts';
import { answering, control, mover } from './proxies.ts';

/**
 * Reads a vault, or some of its points, and boots nothing. What is damaged is marked red in the vault, so that nothing is
 * built on it, and fails loudly.
 */
export async function checkVault(request: CheckRequest): Promise<CheckResult> {
  try {
    const check = await answering.resolveCheck(request);
    const { result, marks } = await mover.checkVault(check);
    setCurrentDetails(describe(result));
    const { checkId, vault, level, startedAt, finishedAt } = result;
    // The control key signs: whoever carries blocks can neither condemn a point nor clear it.
    if (marks.length > 0) await control.markPoints({ checkId, vault, level, startedAt, finishedAt, marks });
    if (result.verdict === 'red') throw damaged(result);
    return result;
  } catch (error) {
    throw readableFailure(error);
  }
}

function damaged(result: CheckResult) {
  const { vault, level, checkId, damagedPoints, damage, findings } = result;
  const points = damagedPoints.length === 0 ? 'no point' : `points ${damagedPoints.join(', ')}`;
  return failure(
    'VerificationFailed',
    `vault ${vault} is damaged (${level}): ${damage} objects, ${points} suffer and are marked red: nothing is built on them. Bring the objects back from a copy or an older version, and check again. ${findings.join('; ')}`,
    { vault, checkId, damage },
    { check: result },
  );
}

function describe({ vault, level, verdict, points, packsRead, packs, findings }: CheckResult): string {
  const read = `${points} points, ${packsRead} of ${packs} packs read`;
  const lines = findings.map((finding) => `- ${markdownText(finding)}`);
  return [`### Check of ${markdownText(vault)}: ${level}`, '', `${verdict}: ${read}`, '', ...lines].join('\n');
}
