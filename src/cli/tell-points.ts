import type { CliDeps } from './deps.ts';
import { jsonLines } from './json-lines.ts';
import { describePoint, type PointLine } from './point-line.ts';

export interface ListOptions {
  readonly all?: true;
  readonly json?: true;
}

export const ALL_POINTS = [
  '--all',
  'also expired points, and runs that ended without one; with --json they always come',
] as const;

/**
 * People see what can be restored: what has expired and what never became a point stay in a vault for ever and would be most
 * of an old one. Programs get everything, each with its state. Resolves with the number of points that were told.
 */
export async function tellPoints(
  points: AsyncIterable<PointLine>,
  { all, json }: ListOptions,
  { stdout, stderr, now }: Pick<CliDeps, 'stdout' | 'stderr' | 'now'>,
): Promise<number> {
  const lines = jsonLines(stdout);
  const left = { expired: 0, abandoned: 0 };
  let told = 0;
  for await (const point of points) {
    const { state } = point;
    if (!all && !json && (state === 'expired' || state === 'abandoned')) {
      left[state]++;
      continue;
    }
    told++;
    if (json) lines.item(point);
    else stdout.write(`${describePoint(point, now())}\n`);
  }
  if (json) lines.result({ points: told });
  else if (told === 0) stderr.write('no recovery points\n');
  const { expired, abandoned } = left;
  if (expired + abandoned > 0)
    stderr.write(`not shown: ${expired} expired, ${abandoned} that ended without a point; --all shows them\n`);
  return told;
}
