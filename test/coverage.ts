import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startVitest } from 'vitest/node';
import { createReporter, newTally } from './support/reporter.ts';

/** What reads bytes of unknown origin, and what decides what may be removed: every branch is tested, or the run fails. */
const CODECS = [
  'bytes',
  'change-set',
  'evidence-content',
  'file-index/file-index',
  'file-index/index-page',
  'file-index/packed-text',
  'gcm',
  'id-fields',
  'json-document',
  'must-be',
  'pack-tail',
  'pack-trailer',
  'sealed-block',
  'sealed-object',
  'segment',
  'volume-map',
].map((name) => `src/vault/${name}.ts`);
const COLLECTOR = ['src/vault/collect/*.ts', 'src/vault/expiry/*.ts'];
// Their own tests, without the fuzzer and the search for lost points, whose luck must not decide.
const TESTS = [
  'bytes',
  'codecs',
  'refusals',
  'seal-proven',
  'json-document',
  'damaged-documents',
  'collect/collect',
  'collect/plan',
  'collect/unreadable',
  'collect/delete',
  'collect/id',
  'expiry',
  'file-index',
].map((name) => `test/unit/vault/${name}`);

/** `npm run coverage` */
async function main(): Promise<void> {
  // Of its own: two of these at once must not share their raw data.
  const reportsDirectory = await mkdtemp(join(tmpdir(), 'understudy-coverage-'));
  const tally = newTally();
  const vitest = await startVitest(TESTS, {
    watch: false,
    project: ['unit'],
    reporters: [createReporter(tally, (text) => process.stdout.write(text))],
    coverage: {
      enabled: true,
      provider: 'v8',
      include: [...CODECS, ...COLLECTOR],
      reporter: ['text'],
      reportsDirectory,
      reportOnFailure: true,
      thresholds: { branches: 100, perFile: true },
    },
  });
  await vitest.close();
  await rm(reportsDirectory, { recursive: true, force: true });
  if (tally.failed > 0) process.exitCode = 1;
}

await main();
