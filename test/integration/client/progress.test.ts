import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MoverHeartbeat } from '../../../src/contract/progress.ts';
import { type BackupRuns, newInstanceId, startBackupRuns } from '../../support/backup-runs.ts';
import { resolvedBackup } from '../../support/fake-activities.ts';
import { hangs } from '../../support/fake-workers.ts';
import { waitFor } from '../../support/wait-for.ts';

let runs: BackupRuns;
beforeAll(async () => {
  runs = await startBackupRuns({ searchAttributes: false });
});
afterAll(() => runs.stop());

/** In a namespace without the search attributes. */
const resolvedWith = (changes: Parameters<typeof resolvedBackup>[1]) => async (input: unknown) => {
  const { instanceId } = input as { instanceId: string };
  return resolvedBackup(instanceId, { searchAttributes: false, ...changes });
};

test('a caller sees phases, bytes of finished shards and those under way, from the request id alone', async () => {
  const requestId = newInstanceId();
  runs.workers.use(requestId, {
    control: {
      // A namespace without the search attributes: everything but the search works.
      resolveRequest: async () => {
        return resolvedBackup(requestId, { searchAttributes: false });
      },
    },
    mover: {
      archiveShard: async ({ volume: { volumeId } }) =>
        hangs(() => undefined, {
          volumeId,
          bytesRead: 4096,
          bytesStored: 1024,
          blocksDone: 8,
        } satisfies MoverHeartbeat)(),
    },
  });
  await runs.backups.start({ instanceId: requestId }, { requestId });
  const run = runs.backups.find(requestId);
  const progress = await waitFor(
    async () => {
      const now = await run.progress().catch(() => undefined);
      return now?.volumes.length && now.volumes.every(({ bytesRead }) => bytesRead > 0) ? now : undefined;
    },
    { limitMs: 60_000, what: 'bytes of both volumes' },
  );
  expect(progress.volumes.map(({ bytesRead, bytesStored }) => [bytesRead, bytesStored])).toEqual([
    [4096, 1024],
    [4096, 1024],
  ]);
  expect(progress.phases.find(({ phase }) => phase === 'archive')?.state).toBe('running');
  expect(progress.phases.find(({ phase }) => phase === 'capture')?.summary).toMatch(/2 volumes at one instant/);
  await run.cancel();
  await expect(run.result()).rejects.toThrow();
});

test('what the web interface shows of a run is a table in which guest text stays text', async () => {
  const evil = 'clean](http://evil) | <script>x</script>';
  const run = await runs.begin({
    control: {
      awaitRecovered: async () => ({ saw: 'recovered', observation: { state: 'running' }, says: evil }),
      resolveRequest: resolvedWith({ verify: false }),
    },
  });
  await run.result();
  const { workflowId = '' } = await run.progress();
  const metadata = await runs.temporal.client.workflow
    .getHandle(workflowId)
    .query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  const details = metadata.currentDetails ?? '';
  expect(details).toContain('| capture | done |');
  expect(details).not.toContain('<script>');
  expect(details).not.toContain('](http');
});

test('a part of the run that has no phases of its own does not hide those of the run', async () => {
  const started = Promise.withResolvers<void>();
  const run = await runs.begin({
    control: {
      resolveRequest: resolvedWith({ verify: 'sample' }),
    },
    mover: { checkVault: hangs(started.resolve) },
  });
  await started.promise;
  expect((await run.progress()).phases.find(({ phase }) => phase === 'verify')?.state).toBe('running');
  await run.cancel();
  await expect(run.result()).rejects.toThrow();
});

test('who stops waiting has the connection to close at once, and the run goes on', async () => {
  const started = Promise.withResolvers<void>();
  const run = await runs.begin({
    control: {
      resolveRequest: resolvedWith({}),
    },
    mover: { archiveShard: hangs(started.resolve) },
  });
  await started.promise;
  const stop = new AbortController();
  const result = run.result(stop.signal);
  const reason = new Error('seen enough');
  const stoppedMs = performance.now();
  stop.abort(reason);
  await expect(result).rejects.toBe(reason);
  // The server answers a long poll after 20 s at the latest.
  expect(performance.now() - stoppedMs).toBeLessThan(5_000);
  await expect(run.progress(stop.signal)).rejects.toBe(reason);
  expect((await run.progress()).phases.find(({ phase }) => phase === 'archive')?.state).toBe('running');
  await run.cancel();
  await expect(run.result()).rejects.toThrow();
});
