import type { Step } from './contender.ts';
import { median } from './median.ts';
import type { Result } from './run.ts';

export interface JudgedTarget {
  readonly what: string;
  readonly wanted: string;
  readonly found: string;
  readonly reached: boolean;
}

type Key = 'wallSeconds' | 'cpuSeconds' | 'peakMebibytes' | 'storedBytes';

/** What was promised, against what was measured; only for steps that ran. */
export function judgeTargets(results: readonly Result[]): JudgedTarget[] {
  const value = (step: Step, place: Result['place'], contender: string, key: Key): number | undefined => {
    const found = results.filter((r) => r.step === step && r.place === place && r.contender.startsWith(contender));
    if (found.length === 0) return undefined;
    const names = [...new Set(found.map((result) => result.contender))];
    // Of restic's two settings the better one.
    return Math.min(...names.map((name) => median(found.filter((r) => r.contender === name).map((r) => r[key]))));
  };
  const ours = (step: Step, place: Result['place'], key: Key) => {
    const found = results.filter((r) => r.step === step && r.place === place && r.contender === 'understudy');
    return found.length === 0 ? undefined : median(found.map((r) => r[key]));
  };
  const times = (
    what: string,
    { theirs, own, least }: { theirs?: number | undefined; own?: number | undefined; least: number },
  ) =>
    theirs === undefined || own === undefined
      ? []
      : [{ what, wanted: `≥ ${least} ×`, found: `${(theirs / own).toFixed(2)} ×`, reached: theirs / own >= least }];
  const atMost = (what: string, { found, most, unit }: { found?: number | undefined; most: number; unit: string }) =>
    found === undefined
      ? []
      : [
          {
            what,
            wanted: `≤ ${most}${unit}`,
            found: `${found.toFixed(unit === ' MiB' ? 0 : 2)}${unit}`,
            reached: found <= most,
          },
        ];
  const ratio = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? undefined : a / b;
  const restic = (step: Step, key: Key) => value(step, 's3', 'restic', key);
  const borg = (step: Step, key: Key) => value(step, 'folder', 'borg', key);
  const faster = (step: Step, key: Key) => {
    const both = [restic(step, key), borg(step, key)].filter((number) => number !== undefined);
    return both.length === 0 ? undefined : Math.min(...both);
  };
  return [
    ...times("first backup against restic's faster setting, S3 to S3", {
      theirs: restic('first', 'wallSeconds'),
      own: ours('first', 's3', 'wallSeconds'),
      least: 2.2,
    }),
    ...times('first backup against borg, folder to folder', {
      theirs: borg('first', 'wallSeconds'),
      own: ours('first', 'folder', 'wallSeconds'),
      least: 1.5,
    }),
    ...times('second backup with hints against the faster of the two', {
      theirs: faster('second', 'wallSeconds'),
      own: ours('second', 's3', 'wallSeconds'),
      least: 10,
    }),
    ...times('second backup without hints against the faster of the two', {
      theirs: faster('second', 'wallSeconds'),
      own: value('second', 's3', 'understudy, no hints', 'wallSeconds'),
      least: 1,
    }),
    ...times('full restore against restic', {
      theirs: restic('restore', 'wallSeconds'),
      own: ours('restore', 's3', 'wallSeconds'),
      least: 1.5,
    }),
    ...atMost("CPU of the first backup over restic's", {
      found: ratio(ours('first', 's3', 'cpuSeconds'), restic('first', 'cpuSeconds')),
      most: 0.6,
      unit: ' ×',
    }),
    ...atMost('peak memory of the first backup to S3', {
      found: ours('first', 's3', 'peakMebibytes'),
      most: 300,
      unit: ' MiB',
    }),
    ...atMost('peak memory of the restore from S3', {
      found: ours('restore', 's3', 'peakMebibytes'),
      most: 300,
      unit: ' MiB',
    }),
    ...atMost('stored bytes of the first backup over the smaller of the two', {
      found: ratio(ours('first', 's3', 'storedBytes'), faster('first', 'storedBytes')),
      most: 1.08,
      unit: ' ×',
    }),
  ];
}
