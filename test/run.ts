import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import { createReporter, type Tally } from './support/reporter.ts';

/** Cheap ones first: who breaks something small hears of it within seconds. */
const PROJECTS = ['unit', 'integration', 'e2e'];

/** `npm test [-- path…]`: all tests, or those of the files whose path contains one of the words. */
async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const tally: Tally = { passed: 0, failed: 0 };
  for (const project of PROJECTS) await runProject(project, positionals, tally);
  const nothingRan = tally.passed + tally.failed === 0;
  if (nothingRan) process.stdout.write(`no test file matches ${positionals.join(' ') || 'test/'}\n`);
  process.exitCode = tally.failed > 0 || nothingRan ? 1 : 0;
  process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
}

async function runProject(project: string, filters: string[], tally: Tally): Promise<void> {
  const vitest = await startVitest(filters, {
    watch: false,
    project: [project],
    reporters: [createReporter(tally, (text) => process.stdout.write(text))],
    // A filter may match files of one project only; whether anything ran is judged over all of them.
    passWithNoTests: true,
  });
  await vitest.close();
}

await main();
