import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { readToolchain } from '../../local/toolchain.ts';
import { replaceResults } from '../results-section.ts';
import { median } from '../vault/median.ts';

const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const WANTED_RATIO = 3;
/** "Independent of the volume's size" leaves so much for chance. */
const SAME_WITHIN = 1.2;

export interface InstantResult {
  readonly gibibytes: number;
  readonly round: number;
  readonly instantMs: number;
  readonly bytesFetched: number;
  readonly requests: number;
  readonly fullMs: number;
}

export async function writeInstant(rounds: number, results: readonly InstantResult[]): Promise<void> {
  const sizes = [...new Set(results.map(({ gibibytes }) => gibibytes))];
  const rows = sizes.map((gibibytes) => summary(results.filter((one) => one.gibibytes === gibibytes)));
  const instants = rows.map(({ instantMs }) => instantMs);
  const spread = Math.max(...instants) / Math.min(...instants);
  const least = Math.min(...rows.map(({ ratio }) => ratio));
  const how = readToolchain().accel === 'kvm' ? 'hardware virtualization' : 'software emulation';
  const text = [
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} cores of ${cpus()[0]?.model}, ${how}, Node ${process.version}; ${rounds} round(s), the median of each. The local cloud, the S3 server and an idle production machine run on the same cores.`,
    '',
    '| written besides the system | first query, instant | fetched | first query, full restore and boot | sooner |',
    '|---|---|---|---|---|',
    ...rows.map(
      ({ gibibytes, instantMs, bytesFetched, requests, fullMs, ratio }) =>
        `| ${gibibytes} GiB | ${seconds(instantMs)} | ${(bytesFetched / 2 ** 20).toFixed(0)} MiB in ${requests} requests | ${seconds(fullMs)} | ${ratio.toFixed(1)} × |`,
    ),
    '',
    `At least ${WANTED_RATIO} × is wanted: ${least >= WANTED_RATIO ? 'reached at every size' : '**not reached at every size**'}. Between the sizes the instant one differs by ${((spread - 1) * 100).toFixed(0)} %; at most ${((SAME_WITHIN - 1) * 100).toFixed(0)} % is wanted${spread <= SAME_WITHIN ? '' : ', **which is not reached**'}.`,
    '',
  ];
  await replaceResults(PAGE, 'instant', text.join('\n'));
}

function summary(results: readonly InstantResult[]) {
  const of = (key: keyof InstantResult) => median(results.map((one) => one[key]));
  const [instantMs, fullMs] = [of('instantMs'), of('fullMs')];
  return {
    gibibytes: of('gibibytes'),
    instantMs,
    fullMs,
    bytesFetched: of('bytesFetched'),
    requests: of('requests'),
    ratio: fullMs / instantMs,
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
