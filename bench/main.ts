import { parseArgs } from 'node:util';
import { STEPS, type Step } from './vault/contender.ts';
import { runVaultBench } from './vault/run.ts';

const USAGE = `npm run bench -- vault [--size 8GiB] [--only first,second,restore,range,collect] [--rounds 1] [--restic <program>] [--json]

Compares the vault with restic (S3 to S3) and borg (folder to folder) on this machine and writes docs/performance.md.
`;

/** One bench so far; `npm run bench -- <name>` chooses. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      size: { type: 'string', default: '8GiB' },
      only: { type: 'string', default: STEPS.join(',') },
      rounds: { type: 'string', default: '1' },
      restic: { type: 'string', default: 'restic' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || positionals.join(' ') !== 'vault') {
    process.stderr.write(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  await runVaultBench({
    imageBytes: parseSize(values.size),
    steps: parseSteps(values.only),
    rounds: parseRounds(values.rounds),
    restic: values.restic,
    json: values.json,
  });
}

function parseSize(text: string): number {
  const [, number] = /^(\d{1,3})GiB$/.exec(text) ?? [];
  if (number !== undefined && Number(number) >= 1) return Number(number) * 2 ** 30;
  throw new TypeError(`--size is '${text}'; write whole GiB, such as 2GiB`);
}

function parseSteps(text: string): readonly Step[] {
  const wanted = text.split(',');
  const unknown = wanted.find((word) => !STEPS.some((step) => step === word));
  if (unknown !== undefined) throw new TypeError(`--only names '${unknown}'; there are ${STEPS.join(', ')}`);
  // Every step works on what the first backup left.
  return STEPS.filter((step) => step === 'first' || wanted.includes(step));
}

function parseRounds(text: string): number {
  if (/^[1-9]$/.test(text)) return Number(text);
  throw new TypeError(`--rounds is '${text}'; write 1 to 9`);
}

await main();
