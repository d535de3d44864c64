import { expect, test } from 'vitest';
import type { Result } from '../../../bench/vault/run.ts';
import { judgeTargets } from '../../../bench/vault/targets.ts';

const run = (contender: string, place: 's3' | 'folder', figures: Partial<Result>): Result => ({
  ...{ round: 1, step: 'first', contender, place, wallSeconds: 1, cpuSeconds: 1, serverCpuSeconds: 0 },
  ...{ peakMebibytes: 100, storedBytes: 100, storedBytesAllVersions: 100, requests: 1, ...figures },
});

test("ours is judged against the better of restic's settings, each by its median", () => {
  const results = [
    run('understudy', 's3', { wallSeconds: 10, peakMebibytes: 301 }),
    run('restic, default compression', 's3', { wallSeconds: 25 }),
    ...[20, 21, 90].map((wallSeconds) => run('restic, fastest compression', 's3', { wallSeconds })),
    run('understudy, no hints, sealed blocks not opened', 's3', { wallSeconds: 1 }),
  ];
  const judged = judgeTargets(results);
  expect(judged.find(({ what }) => what.startsWith('first backup against restic'))).toMatchObject({
    found: '2.10 ×',
    reached: false,
  });
  expect(judged.find(({ what }) => what.startsWith('peak memory of the first'))).toMatchObject({ reached: false });
});

test('a step that did not run, or without its opponent, is not judged', () => {
  expect(judgeTargets([run('understudy', 'folder', {})])).toEqual([]);
});
