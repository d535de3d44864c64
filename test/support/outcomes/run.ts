import { startVitest } from 'vitest/node';
import { createReporter, newTally } from '../reporter.ts';

const tally = newTally();
const vitest = await startVitest([], {
  watch: false,
  config: false,
  include: ['test/support/outcomes/*.case.ts'],
  reporters: [createReporter(tally, (text) => process.stdout.write(text))],
});
await vitest.close();
const { passed, failed } = tally;
process.stdout.write(JSON.stringify({ passed, failed }));
