import { readdirSync, readFileSync } from 'node:fs';
import { DefaultLogger, Runtime, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, expect, test } from 'vitest';
import { workflowBundle } from '../../src/workers/bundle.ts';

const FOLDER = new URL('../histories/', import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

let bundle: WorkflowBundleOption;
beforeAll(async () => {
  // A worker per history says 600 lines about its own life.
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
  bundle = await workflowBundle();
});

function history(name: string) {
  return JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'));
}

test('there are recorded runs that ended well, red, failed, cancelled and with a second clone', () => {
  for (const name of ['verified', 'red', 'failed', 'relaunched', 'cancelled-clone', 'cancelled-archive']) {
    expect(FILES.filter((file) => file.startsWith(`${name}.`)).length).toBeGreaterThanOrEqual(2);
  }
});

test.each(FILES)('%s, recorded from a real run, goes on with the code as it is now', async (name) => {
  await Worker.runReplayHistory({ workflowBundle: bundle }, history(name));
});

test('a run whose code took another way is found: the archive came before the capture', async () => {
  const name = FILES.find((file) => file === 'verified.backupInstance.json') ?? '';
  const changed = JSON.parse(
    readFileSync(new URL(name, FOLDER), 'utf8').replaceAll('"captureProduction"', '"archiveProduction"'),
  );
  await expect(Worker.runReplayHistory({ workflowBundle: bundle }, changed)).rejects.toThrow(DeterminismViolationError);
});
