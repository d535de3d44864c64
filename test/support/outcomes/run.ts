import { startVitest } from 'vitest/node';
import { createReporter, type Tally } from '../reporter.ts';

const tally: Tally = { passed: 0, failed: 0 };
const vitest = await startVitest([], {
  watch: false,
  config: false,
  include: ['test/support/outcomes/*.case.ts'],
  reporters: [createReporter(tally, (text) => process.stdout.write(text))],
});
await vitest.close();
process.stdout.write(JSON.stringify(tally));
