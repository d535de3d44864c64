import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Measured, measure } from '../measure.ts';
import { replaceResults } from '../results-section.ts';
import { median } from '../vault/median.ts';

const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const FOLDERS = 1_000;
const FILES_EACH = 100;
/** What a person waits for without noticing it. */
const ANSWERED_IN_SECONDS = 1;

export interface FindBenchRequest {
  readonly rounds: number;
  readonly note: (text: string) => void;
}

interface Step {
  readonly name: string;
  readonly args: readonly string[];
  readonly isCached: boolean;
}

/** 100,000 files in one point: how long its index takes, a search that reads the index, and searches that are cached. */
export async function runFindBench({ rounds, note }: FindBenchRequest): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'understudy-find-'));
  try {
    const image = await makeImage(folder);
    note(`image of ${FOLDERS * FILES_EACH} files: ${image}`);
    const [keyFile, url] = [join(folder, 'key'), `file://${folder}/vault`];
    await writeFile(keyFile, `${'42'.repeat(32)}\n`);
    const understudy = (...args: readonly string[]) =>
      measure({
        command: process.execPath,
        args: [MAIN, ...args, '--key-file', keyFile],
        env: { XDG_CACHE_HOME: join(folder, 'cache') },
      });
    await understudy('vault', 'init', url);
    await understudy('vault', 'put', image, url, '--machine', 'bench');
    const found = new Map<string, Measured[]>();
    const ask = async ({ name, args }: Step) => {
      const measured = await understudy(...args, '--vault', url);
      note(
        `${name}: ${measured.wallSeconds.toFixed(2)} s, CPU ${measured.cpuSeconds.toFixed(2)} s, ${measured.stdout.split('\n').length - 1} lines`,
      );
      found.set(name, [...(found.get(name) ?? []), measured]);
    };
    for (let round = 0; round < rounds; round++) {
      await rm(join(folder, 'cache'), { recursive: true, force: true });
      for (const step of STEPS) await ask(step);
    }
    await replaceResults(PAGE, 'find', pageText(found, rounds));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const STEPS: readonly Step[] = [
  { name: 'understudy index', args: ['index', 'latest'], isCached: false },
  { name: 'the first search, from the index', args: ['find', 'invoice-00500-07*.pdf'], isCached: false },
  { name: "find 'invoice-00500-07*.pdf'", args: ['find', 'invoice-00500-07*.pdf'], isCached: true },
  { name: 'find nothing-like-it', args: ['find', 'nothing-like-it'], isCached: true },
  { name: "find '*7.pdf' (10,000 files)", args: ['find', '*7.pdf'], isCached: true },
  { name: 'find 99 (two letters: no index of words helps)', args: ['find', '99', '--limit', '1000'], isCached: true },
];

async function makeImage(folder: string): Promise<string> {
  const tree = join(folder, 'tree');
  for (let n = 0; n < FOLDERS; n++) {
    const below = join(tree, 'srv', `customer-${String(n).padStart(5, '0')}`);
    await mkdir(below, { recursive: true });
    const names = Array.from({ length: FILES_EACH }, (_, i) => `invoice-${pad(n, 5)}-${pad(i, 3)}.pdf`);
    await Promise.all(names.map((name) => writeFile(join(below, name), name)));
  }
  const image = join(folder, 'disk.img');
  const options = ['-q', '-F', '-t', 'ext4', '-N', '120000', '-d', tree, image, '1G'];
  await promisify(execFile)('/sbin/mke2fs', options);
  await rm(tree, { recursive: true });
  return image;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}

function pageText(found: ReadonlyMap<string, readonly Measured[]>, rounds: number): string {
  const secondsOf = ({ name }: Step) => median((found.get(name) ?? []).map(({ wallSeconds }) => wallSeconds));
  const slowest = Math.max(...STEPS.filter(({ isCached }) => isCached).map(secondsOf));
  const rowOf = (step: Step) => {
    const of = (key: 'cpuSeconds' | 'peakMebibytes') => median((found.get(step.name) ?? []).map((one) => one[key]));
    const cells = [
      `${secondsOf(step).toFixed(2)} s`,
      `${of('cpuSeconds').toFixed(2)} s`,
      `${of('peakMebibytes').toFixed(0)} MiB`,
    ];
    return `| ${[step.name, ...cells].join(' | ')} |`;
  };
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} cores of ${cpus()[0]?.model}, Node ${process.version}, from source; a vault in a folder, ${rounds} round(s), the median of each. Times are of the whole process, from its start to its end.`,
    '',
    '| 100,000 files in 1,000 folders | wall | CPU | peak memory |',
    '|---|---|---|---|',
    ...STEPS.map(rowOf),
    '',
    `The slowest cached search took ${slowest.toFixed(2)} s; at most ${ANSWERED_IN_SECONDS} s is wanted${slowest <= ANSWERED_IN_SECONDS ? '' : ', **which is not reached**'}.`,
    '',
  ].join('\n');
}
