import type { Step } from './contender.ts';
import { median } from './median.ts';
import type { Result } from './run.ts';

export interface JudgedTarget {
  readonly what: string;
  readonly wanted: string;
  readonly found: string;
  readonly reached: boolean;
}

type Figure = 'wallSeconds' | 'cpuSeconds' | 'peakMebibytes' | 'storedBytes';

/** Whose figure: all contenders of a place whose names begin so; of several settings the best one counts. */
interface Of {
  readonly step: Step;
  readonly who: readonly { readonly place: Result['place']; readonly name: RegExp }[];
}

interface Target {
  readonly what: string;
  readonly figure: Figure;
  readonly ours: Of;
  /** Undefined: the figure itself is bounded. */
  readonly theirs?: Of;
  /** `times`: theirs over ours must be at least this. `share`: ours over theirs at most. `most`: ours itself, in MiB. */
  readonly bound: { readonly kind: 'times' | 'share' | 'most'; readonly value: number };
}

const OURS = { place: 's3', name: /^understudy$/ } as const;
const OURS_IN_FOLDER = { place: 'folder', name: /^understudy$/ } as const;
const NO_HINTS = { place: 's3', name: /^understudy, no hints/ } as const;
const RESTIC = { place: 's3', name: /^restic/ } as const;
const BORG = { place: 'folder', name: /^borg/ } as const;

const of = (step: Step, ...who: Of['who']): Of => ({ step, who });

const TARGETS: readonly Target[] = [
  {
    what: "first backup against restic's faster setting, S3 to S3",
    ...{ figure: 'wallSeconds', ours: of('first', OURS), theirs: of('first', RESTIC) },
    bound: { kind: 'times', value: 2.2 },
  },
  {
    what: 'first backup against borg, folder to folder',
    ...{ figure: 'wallSeconds', ours: of('first', OURS_IN_FOLDER), theirs: of('first', BORG) },
    bound: { kind: 'times', value: 1.5 },
  },
  {
    what: 'second backup with hints against the faster of the two',
    ...{ figure: 'wallSeconds', ours: of('second', OURS), theirs: of('second', RESTIC, BORG) },
    bound: { kind: 'times', value: 10 },
  },
  {
    what: 'second backup without hints against the faster of the two',
    ...{ figure: 'wallSeconds', ours: of('second', NO_HINTS), theirs: of('second', RESTIC, BORG) },
    bound: { kind: 'times', value: 1 },
  },
  {
    what: 'full restore against restic',
    ...{ figure: 'wallSeconds', ours: of('restore', OURS), theirs: of('restore', RESTIC) },
    bound: { kind: 'times', value: 1.5 },
  },
  {
    what: "CPU of the first backup over restic's",
    ...{ figure: 'cpuSeconds', ours: of('first', OURS), theirs: of('first', RESTIC) },
    bound: { kind: 'share', value: 0.6 },
  },
  {
    what: 'stored bytes of the first backup over the smaller of the two',
    ...{ figure: 'storedBytes', ours: of('first', OURS), theirs: of('first', RESTIC, BORG) },
    bound: { kind: 'share', value: 1.08 },
  },
  {
    what: 'peak memory of the first backup to S3',
    ...{ figure: 'peakMebibytes', ours: of('first', OURS) },
    bound: { kind: 'most', value: 300 },
  },
  {
    what: 'peak memory of the restore from S3',
    ...{ figure: 'peakMebibytes', ours: of('restore', OURS) },
    bound: { kind: 'most', value: 300 },
  },
];

/** What was promised, against what was measured; only for steps that ran. */
export function judgeTargets(results: readonly Result[]): JudgedTarget[] {
  return TARGETS.flatMap((target) => {
    const { what, figure, bound } = target;
    const ours = best(results, target.ours, figure);
    const theirs = target.theirs && best(results, target.theirs, figure);
    if (ours === undefined || (target.theirs && theirs === undefined)) return [];
    const { value } = bound;
    if (bound.kind === 'most')
      return [{ what, wanted: `≤ ${value} MiB`, found: `${Math.round(ours)} MiB`, reached: ours <= value }];
    const found = bound.kind === 'times' ? (theirs ?? 0) / ours : ours / (theirs ?? 0);
    const reached = bound.kind === 'times' ? found >= value : found <= value;
    const sign = bound.kind === 'times' ? '≥' : '≤';
    return [{ what, wanted: `${sign} ${value} ×`, found: `${found.toFixed(2)} ×`, reached }];
  });
}

function best(results: readonly Result[], { step, who }: Of, figure: Figure): number | undefined {
  const found = results.filter(
    (result) =>
      result.step === step && who.some(({ place, name }) => place === result.place && result.contender.match(name)),
  );
  const settings = Map.groupBy(found, ({ contender, place }) => `${place} ${contender}`);
  const medians = [...settings.values()].map((runs) => median(runs.map((run) => run[figure])));
  return medians.length === 0 ? undefined : Math.min(...medians);
}
