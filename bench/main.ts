import { Command, InvalidArgumentError, Option } from 'commander';
import { runFindBench } from './find/run.ts';
import { runInstantBench } from './instant/run.ts';
import { runMainJobBench } from './main-job/run.ts';
import { STEPS, type Step } from './vault/contender.ts';
import { runVaultBench } from './vault/run.ts';

const rounds = () => new Option('--rounds <n>', 'the median counts').argParser(parseRounds).default(1);
const size = () =>
  new Option('--size <size>', "the image's size").argParser(parseSize).default(parseSize('8GiB'), '8GiB');
const json = () => new Option('--json', 'every run as a line').default(false);

interface ImageOptions {
  readonly size: number;
  readonly rounds: number;
  readonly json: boolean;
}

interface InstantOptions {
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly json: boolean;
}

interface VaultOptions extends ImageOptions {
  readonly only: readonly Step[];
  readonly restic: string;
}

/** `npm run bench -- <name>` chooses. */
function program(): Command {
  const bench = new Command('bench').description('measurements; each writes its results into docs/performance.md');
  bench
    .command('find')
    .description('searches among 100,000 files')
    .addOption(rounds())
    .action((options: { readonly rounds: number }) =>
      runFindBench({ ...options, note: (text) => void process.stderr.write(`${text}\n`) }),
    );
  bench
    .command('instant')
    .description('the first answer of a machine booted straight from the vault, beside a full restore and boot')
    .addOption(
      new Option('--sizes <sizes>', 'of its volumes')
        .argParser(parseGibibytes)
        .default(parseGibibytes('2GiB,8GiB'), '2GiB,8GiB'),
    )
    .addOption(rounds())
    .addOption(json())
    .action(({ sizes: gibibytes, ...options }: InstantOptions) => runInstantBench({ ...options, gibibytes }));
  bench
    .command('main-job')
    .description('the way from EBS to S3 beside its parts alone, and the memory of a mover')
    .addOption(size())
    .addOption(rounds())
    .addOption(json())
    .action(({ size: imageBytes, ...options }: ImageOptions) => runMainJobBench({ ...options, imageBytes }));
  bench
    .command('vault')
    .description('the vault beside restic (S3 to S3) and borg (folder to folder)')
    .addOption(size())
    .addOption(
      new Option('--only <steps>', 'some of them, with commas between')
        .argParser(parseSteps)
        .default(STEPS, STEPS.join(',')),
    )
    .addOption(rounds())
    .option('--restic <program>', 'the one to run', 'restic')
    .addOption(json())
    .action(({ size: imageBytes, only: steps, ...options }: VaultOptions) =>
      runVaultBench({ ...options, imageBytes, steps }),
    );
  return bench;
}

function parseGibibytes(text: string): readonly number[] {
  return text.split(',').map((size) => parseSize(size) / 2 ** 30);
}

function parseSize(text: string): number {
  const [, number] = /^(\d{1,3})GiB$/.exec(text) ?? [];
  if (number !== undefined && Number(number) >= 1) return Number(number) * 2 ** 30;
  throw new InvalidArgumentError('Write whole GiB, such as 2GiB.');
}

function parseSteps(text: string): readonly Step[] {
  const wanted = text.split(',');
  const unknown = wanted.find((word) => !STEPS.some((step) => step === word));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no '${unknown}', but ${STEPS.join(', ')}.`);
  // Every step works on what the first backup left.
  return STEPS.filter((step) => step === 'first' || wanted.includes(step));
}

function parseRounds(text: string): number {
  if (/^[1-9]$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write 1 to 9.');
}

await program().parseAsync();
