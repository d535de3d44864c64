import { parseArgs } from 'node:util';
import { startVitest, type Vitest } from 'vitest/node';
import { describeCosts, type ProjectCost } from './support/cost-table.ts';
import { createReporter, newTally, type Tally } from './support/reporter.ts';

/** Cheap ones first: who breaks something small hears of it within seconds. */
const PROJECTS = ['unit', 'replay', 'integration', 'e2e'];
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** `npm test [-- path…]`: all tests, or those of the files whose path contains one of the words. */
async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const tally = newTally();
  const stop = new AbortController();
  const costs: ProjectCost[] = [];
  for (const project of PROJECTS) {
    if (stop.signal.aborted) break;
    const startedAt = performance.now();
    await runProject(project, positionals, { tally, stop });
    costs.push({ project, seconds: (performance.now() - startedAt) / 1000 });
  }
  const nothingRan = tally.passed + tally.failed === 0;
  if (stop.signal.aborted) process.stdout.write('interrupted: not all tests ran\n');
  else if (nothingRan) process.stdout.write(`no test file matches ${positionals.join(' ') || 'test/'}\n`);
  process.stdout.write(describeCosts(costs, tally.files));
  process.exitCode = tally.failed > 0 || nothingRan || stop.signal.aborted ? 1 : 0;
  process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
}

interface TestRun {
  readonly tally: Tally;
  readonly stop: AbortController;
}

async function runProject(project: string, filters: string[], { tally, stop }: TestRun): Promise<void> {
  const reporter = createReporter(tally, (text) => process.stdout.write(text));
  const vitest = await startVitest(filters, {
    watch: false,
    project: [project],
    reporters: [{ ...reporter, onInit: (started: Vitest) => endInOrder(started, stop) }],
    // A filter may match files of one project only; whether anything ran is judged over all of them.
    passWithNoTests: true,
  });
  await vitest.close();
}

/**
 * Tests start servers and machines, which outlive this process if it just ends, as vitest would end it: so what runs is
 * waited for, hooks included. Who has no patience says it twice.
 */
function endInOrder(vitest: Vitest, stop: AbortController): void {
  for (const name of ENDING_SIGNALS) {
    process.removeAllListeners(name);
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(1);
      process.stderr.write(
        `${name}: waiting for the tests that run; once more ends at once and leaves their servers\n`,
      );
      stop.abort();
      void vitest.cancelCurrentRun('keyboard-input');
    });
  }
}

await main();
