import { parseArgs } from 'node:util';
import { runFindBench } from './find/run.ts';
import { runInstantBench } from './instant/run.ts';
import { runMainJobBench } from './main-job/run.ts';
import { STEPS, type Step } from './vault/contender.ts';
import { runVaultBench } from './vault/run.ts';

const USAGE = `npm run bench -- find [--rounds 1]
npm run bench -- instant [--sizes 2GiB,8GiB] [--rounds 1] [--json]
npm run bench -- main-job [--size 8GiB] [--rounds 1] [--json]
npm run bench -- vault [--size 8GiB] [--only first,second,restore,range,collect] [--rounds 1] [--restic <program>] [--json]

find measures searches among 100,000 files; instant measures the first answer of a machine booted straight from the vault beside a full restore and boot;
main-job measures the way from EBS to S3 beside its parts alone, and the memory of a mover; vault compares the vault with
restic (S3 to S3) and borg (folder to folder). Each writes its results into docs/performance.md.
`;

/** `npm run bench -- <name>` chooses. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      size: { type: 'string', default: '8GiB' },
      sizes: { type: 'string', default: '2GiB,8GiB' },
      only: { type: 'string', default: STEPS.join(',') },
      rounds: { type: 'string', default: '1' },
      restic: { type: 'string', default: 'restic' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [name, ...rest] = positionals;
  const imageBytes = parseSize(values.size);
  const rounds = parseRounds(values.rounds);
  if (!values.help && name === 'instant' && rest.length === 0) {
    const gibibytes = values.sizes.split(',').map((size) => parseSize(size) / 2 ** 30);
    await runInstantBench({ gibibytes, rounds, json: values.json });
    return;
  }
  if (!values.help && name === 'main-job' && rest.length === 0) {
    await runMainJobBench({ imageBytes, rounds, json: values.json });
    return;
  }
  if (!values.help && name === 'find' && rest.length === 0) {
    await runFindBench({ rounds, note: (text) => void process.stderr.write(`${text}\n`) });
    return;
  }
  if (values.help || name !== 'vault' || rest.length > 0) {
    process.stderr.write(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  await runVaultBench({
    imageBytes,
    steps: parseSteps(values.only),
    rounds,
    restic: values.restic,
    json: values.json,
  });
}

function parseSize(text: string): number {
  const [, number] = /^(\d{1,3})GiB$/.exec(text) ?? [];
  if (number !== undefined && Number(number) >= 1) return Number(number) * 2 ** 30;
  throw new TypeError(`a size is '${text}'; write whole GiB, such as 2GiB`);
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
