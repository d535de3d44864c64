import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { replaceResults } from '../results-section.ts';
import { median } from '../vault/median.ts';
import { PARTS, type Part } from './carry-order.ts';
import type { MoverResult } from './measure-mover.ts';
import type { PartResult } from './measure-parts.ts';

const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
/** The slower of reading alone and sealing alone may be missed by so much. */
const SLOWER_AT_MOST = 1.2;
/** What a mover may take while it archives, whatever the volume's size. */
const MOVER_MEBIBYTES = 400;

const TITLES = {
  read: 'reading from EBS alone',
  seal: 'sealing alone, on all cores',
  carry: 'EBS to S3',
} as const satisfies Record<Part, string>;

export interface MainJobResults {
  readonly imageBytes: number;
  readonly rounds: number;
  readonly parts: readonly PartResult[];
  readonly movers: readonly MoverResult[];
}

export async function writeMainJob({ imageBytes, rounds, parts, movers }: MainJobResults): Promise<void> {
  const text = [
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} cores of ${cpus()[0]?.model}, Node ${process.version}; image of ${imageBytes / 2 ** 30} GiB, ${rounds} round(s), the median of each. The local cloud, the S3 server and an idle production machine run on the same cores.`,
    '',
    ...[...Map.groupBy(parts, ({ blockLatencyMs }) => blockLatencyMs)].flatMap(describeParts),
    '| written volume | peak memory of the mover, archiving | wanted | of the whole run | archive phase |',
    '|---|---|---|---|---|',
    ...movers.map(
      ({ gibibytes, peakMebibytes, peakOfRunMebibytes, archiveSeconds }) =>
        `| ${gibibytes} GiB | ${peakMebibytes} MiB | at most ${MOVER_MEBIBYTES} MiB | ${peakOfRunMebibytes} MiB | ${archiveSeconds.toFixed(0)} s |`,
    ),
    '',
  ].join('\n');
  await replaceResults(PAGE, 'main-job', text);
}

function describeParts([blockLatencyMs, parts]: [number, readonly PartResult[]]): readonly string[] {
  const of = (part: Part) => parts.filter((one) => one.part === part);
  const secondsOf = (part: Part) => median(of(part).map(({ seconds }) => seconds));
  const ratio = secondsOf('carry') / Math.max(secondsOf('read'), secondsOf('seal'));
  const missed = ratio <= SLOWER_AT_MOST ? '' : ', **which is not reached**';
  return [
    `| a block is answered after ${blockLatencyMs} ms | wall | MiB/s | CPU | CPU of the servers | cores busy | peak memory |`,
    '|---|---|---|---|---|---|---|',
    ...PARTS.map((part) => rowOf(TITLES[part], of(part))),
    '',
    `EBS to S3 took ${ratio.toFixed(2)} times as long as the slower of its parts; at most ${SLOWER_AT_MOST} is wanted${missed}.`,
    '',
  ];
}

function rowOf(title: string, results: readonly PartResult[]): string {
  const at = (key: Exclude<keyof PartResult, 'round' | 'part' | 'blockLatencyMs'>) =>
    median(results.map((result) => result[key]));
  const busy = (at('cpuSeconds') + at('serverCpuSeconds')) / (at('seconds') * cpus().length);
  const cells = [
    title,
    `${at('seconds').toFixed(1)} s`,
    at('mebibytesPerSecond').toFixed(0),
    `${at('cpuSeconds').toFixed(1)} s`,
    `${at('serverCpuSeconds').toFixed(1)} s`,
    `${(busy * 100).toFixed(0)} %`,
    `${at('peakMebibytes').toFixed(0)} MiB`,
  ];
  return `| ${cells.join(' | ')} |`;
}
