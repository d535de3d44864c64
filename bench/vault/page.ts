import { replaceResults } from '../results-section.ts';
import { STEPS } from './contender.ts';
import type { Limits } from './limits.ts';
import { median } from './median.ts';
import type { Result } from './run.ts';
import { judgeTargets } from './targets.ts';

export interface Facts {
  readonly at: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  readonly restic: string;
  readonly resticFastest: boolean;
  readonly borg: string;
  readonly commit: string;
  readonly imageBytes: number;
  readonly imageSha256: string;
  readonly rounds: number;
}

interface Page {
  readonly facts: Facts;
  readonly limits: Limits;
  readonly results: readonly Result[];
}

export async function writePage(path: string, page: Page): Promise<void> {
  await replaceResults(path, 'vault', describe(page));
}

function describe(page: Page): string {
  return [
    factLines(page.facts),
    targetTable(page.results),
    ...STEPS.flatMap((step) => stepTable(page, step)),
    limitTable(page.limits),
  ].join('\n\n');
}

function factLines(facts: Facts): string {
  const gib = (bytes: number) => `${Math.round(bytes / 2 ** 30)} GiB`;
  const fastest = facts.resticFastest ? '' : ' (this version has no `fastest` compression)';
  return [
    `Measured on ${facts.at.slice(0, 10)} at ${facts.commit}: ${facts.cores} cores of ${facts.processor}, ${gib(facts.memoryBytes)} of memory, Linux ${facts.kernel}, Node ${facts.node}.`,
    `${facts.restic}${fastest}: 32 MiB packs, 5 connections. ${facts.borg}: repokey, zstd 1. versitygw over a folder on the same machine.`,
    `Image: ${gib(facts.imageBytes)}, SHA-256 \`${facts.imageSha256.slice(0, 16)}…\`. ${facts.rounds} round(s); the median of each.`,
  ].join('\n');
}

function targetTable(results: readonly Result[]): string {
  const rows = judgeTargets(results).map(
    ({ what, wanted, found, reached }) => `| ${what} | ${wanted} | ${found} | ${reached ? 'yes' : '**no**'} |`,
  );
  return ['| | wanted | measured | reached |', '|---|---|---|---|', ...rows].join('\n');
}

const TITLES = {
  first: 'First backup',
  second: 'Second backup, 1 % of the blocks changed',
  restore: 'Restore of everything',
  range: 'Restore of 100 MiB out of the middle',
  collect: 'Expiry of one of two points, and collection',
};

function stepTable({ results }: Page, step: keyof typeof TITLES): string[] {
  const ofStep = results.filter((result) => result.step === step);
  if (ofStep.length === 0) return [];
  const names = [...new Set(ofStep.map(({ contender, place }) => `${place}\n${contender}`))];
  const rows = names.map((name) => {
    const own = ofStep.filter(({ contender, place }) => `${place}\n${contender}` === name);
    const at = (key: NumberKey) => median(own.map((result) => result[key]));
    const [place = '', contender = ''] = name.split('\n');
    const cells = [
      contender,
      place === 's3' ? 'S3' : 'folder',
      `${at('wallSeconds').toFixed(1)} s`,
      `${at('cpuSeconds').toFixed(1)} s`,
      place === 's3' ? `${at('serverCpuSeconds').toFixed(1)} s` : '',
      `${Math.round(at('peakMebibytes'))} MiB`,
      `${Math.round(at('storedBytes') / 2 ** 20)} MiB`,
      place === 's3' ? `${Math.round(at('storedBytesAllVersions') / 2 ** 20)} MiB` : '',
      place === 's3' ? `${at('requests')}` : '',
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const head = '| | to | wall | CPU | CPU of the server | peak memory | stored | with old versions | requests |';
  return [[`### ${TITLES[step]}`, '', head, '|---|---|---|---|---|---|---|---|---|', ...rows].join('\n')];
}

type NumberKey =
  | 'wallSeconds'
  | 'cpuSeconds'
  | 'serverCpuSeconds'
  | 'peakMebibytes'
  | 'storedBytes'
  | 'storedBytesAllVersions'
  | 'requests';

function limitTable(limits: Limits): string {
  const rows = [
    ['SHA-256, one core', limits.sha256],
    ['zstd level 1, one core', limits.zstd1],
    ['zstd decompression, one core', limits.unzstd],
    ['AES-256-GCM, one core', limits.aesGcm],
    ['PUT of 32 MiB objects, four at once', limits.rawPut],
    ['GET of the same', limits.rawGet],
  ] as const;
  const lines = rows.map(([what, rate]) => `| ${what} | ${Math.round(rate)} MiB/s |`);
  return ['### Limits measured in the same run', '', '| | |', '|---|---|', ...lines].join('\n');
}
