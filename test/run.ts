import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startVitest, type Vitest } from 'vitest/node';
import { describeCosts, type ProjectCost } from './support/cost-table.ts';
import { findLeftBehind } from './support/left-behind.ts';
import { createReporter, newTally, type Tally } from './support/reporter.ts';

/**
 * Cheap ones first: who breaks something small hears of it within seconds. The last ones side by side: end-to-end tests
 * often wait for a machine, and integration tests fill what two labs leave of two cores.
 */
const STAGES = [['unit'], ['replay', 'integration', 'e2e']];
/** Programs that refuse to be root, such as initdb, work in it too. */
const OPEN_TO_ALL = 0o755;
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** `npm test [-- path…]`: all tests, or those of the files whose path contains one of the words. */
async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const tally = newTally();
  const stop = new AbortController();
  const costs: ProjectCost[] = [];
  // Of this run alone: what its tests leave can be told from what others have there.
  const folder = await mkdtemp(join(tmpdir(), 'tests-'));
  await chmod(folder, OPEN_TO_ALL);
  process.env.TMPDIR = folder;
  const running = new Set<Vitest>();
  for (const stage of STAGES) {
    if (stop.signal.aborted) break;
    const startedAt = performance.now();
    const runs = stage.map(async (project) => {
      await runProject(project, positionals, { tally, stop, running });
      costs.push({ project, seconds: (performance.now() - startedAt) / 1000 });
    });
    await Promise.all(runs);
  }
  for (const what of await findLeftBehind(folder)) {
    tally.failed++;
    process.stdout.write(`FAIL left behind by a test: ${what}\n`);
  }
  await rm(folder, { recursive: true });
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
  readonly running: Set<Vitest>;
}

async function runProject(project: string, filters: string[], { tally, stop, running }: TestRun): Promise<void> {
  const reporter = createReporter(tally, (text) => process.stdout.write(text));
  const vitest = await startVitest(filters, {
    watch: false,
    project: [project],
    reporters: [
      {
        ...reporter,
        onInit: (started: Vitest) => {
          running.add(started);
          endInOrder(running, stop);
        },
      },
    ],
    // A filter may match files of one project only; whether anything ran is judged over all of them.
    passWithNoTests: true,
  });
  await vitest.close();
  running.delete(vitest);
}

/**
 * Tests start servers and machines, which outlive this process if it just ends, as vitest would end it: so what runs is
 * waited for, hooks included. Who has no patience says it twice.
 */
function endInOrder(running: ReadonlySet<Vitest>, stop: AbortController): void {
  for (const name of ENDING_SIGNALS) {
    process.removeAllListeners(name);
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(1);
      process.stderr.write(
        `${name}: waiting for the tests that run; once more ends at once and leaves their servers\n`,
      );
      stop.abort();
      for (const vitest of running) void vitest.cancelCurrentRun('keyboard-input');
    });
  }
}

await main();
