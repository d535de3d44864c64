import { isHeld } from '../holds.ts';
import { expirePoint } from './expire-point.ts';
import { type JudgedPoint, type JudgeVaultRequest, judgeVault } from './judge-vault.ts';

/** `onProgress` is told of held points, too, which nothing else is said of. */
export interface ExpirePointsRequest extends JudgeVaultRequest {
  readonly onExpired?: (point: JudgedPoint) => void;
}

/**
 * Writes a tombstone for every point that the policy does not keep; resolves with all judgements. Repeatable: what has a
 * tombstone is not judged again, and an interrupted run leaves nothing that the next one would not have done.
 */
export async function expirePoints(request: ExpirePointsRequest): Promise<readonly JudgedPoint[]> {
  const { vault, signal, onProgress, onExpired } = request;
  const judged = await judgeVault(request);
  for (const point of judged) {
    if (point.decision === 'keep') continue;
    onProgress?.();
    // Judging takes minutes in a large vault, and a tombstone is final: somebody may have put a hold meanwhile.
    if (await isHeld({ vault, pointId: point.pointId, signal })) continue;
    await expirePoint({ vault, pointId: point.pointId, reason: 'no rule of the retention policy keeps it', signal });
    onExpired?.(point);
  }
  return judged;
}
