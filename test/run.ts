import { parseArgs } from 'node:util';
import { startVitest, type Vitest } from 'vitest/node';
import { createReporter, type Tally } from './support/reporter.ts';

/** Cheap ones first: who breaks something small hears of it within seconds. */
const PROJECTS = ['unit', 'integration', 'e2e'];

/** `npm test [-- path…]`: all tests, or those of the files whose path contains one of the words. */
async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const tally: Tally = { passed: 0, failed: 0 };
  const interruption = endInOrder();
  for (const project of PROJECTS) if (!interruption.signal) await runProject(project, positionals, tally, interruption);
  const nothingRan = tally.passed + tally.failed === 0;
  if (nothingRan) process.stdout.write(`no test file matches ${positionals.join(' ') || 'test/'}\n`);
  if (interruption.signal) process.stdout.write(`interrupted by ${interruption.signal}\n`);
  process.exitCode = tally.failed > 0 || nothingRan || interruption.signal ? 1 : 0;
  process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
}

interface Interruption {
  signal: NodeJS.Signals | undefined;
  current: Vitest | undefined;
}

/** Tests start servers and machines that outlive this process: an interrupted run ends its test, then takes them down. */
function endInOrder(): Interruption {
  const interruption: Interruption = { signal: undefined, current: undefined };
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (!interruption.signal) process.stderr.write(`${name}: ending in order; this can take a minute\n`);
      interruption.signal = name;
      // Workers are ended, their hooks with them; what the lab of the end-to-end tests started is taken down after.
      void interruption.current?.close();
    });
  }
  return interruption;
}

async function runProject(project: string, filters: string[], tally: Tally, interruption: Interruption): Promise<void> {
  const reporter = createReporter(tally, (text) => process.stdout.write(text));
  const onInit = (started: Vitest) => {
    interruption.current = started;
  };
  const vitest = await startVitest(filters, {
    watch: false,
    project: [project],
    reporters: [{ ...reporter, onInit }],
    // A filter may match files of one project only; whether anything ran is judged over all of them.
    passWithNoTests: true,
  });
  await vitest.close();
}

await main();
