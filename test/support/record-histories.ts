import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { CollectionRequest } from '../../src/contract/collection-request.ts';
import { VaultError } from '../../src/errors.ts';
import { startBackupRuns } from './backup-runs.ts';
import { LOADED, machineFacts, NO_CONSOLE, OUTPUT, resolvedBackup } from './fake-activities.ts';
import { type Fakes, hangs } from './fake-workers.ts';

/**
 * `npm run record-histories`: runs the workflows on a real server and keeps what they did, so that a later change which
 * would break runs under way is found by replay (test/replay/replay.test.ts). What is there already stays, as runs began
 * before later changes; with names after `--`, such as `collected`, those are recorded anew.
 */
const FOLDER = new URL('../histories/', import.meta.url);

await mkdir(FOLDER, { recursive: true });
const there = new Set((await readdir(FOLDER)).map((file) => file.split('.')[0]));
const runs = await startBackupRuns();
try {
  await record('verified', {});
  await record('not-verified', {}, { verify: false });
  await record('agents', {
    control: {
      resolveRequest: async (input) =>
        resolvedBackup((input as { instanceId: string }).instanceId, { method: 'application-agent', verify: true }),
      readPoint: async ({ pointId }) => ({
        pointId,
        capturedAt: '2026-11-23T02:31:07.412Z',
        machine: machineFacts('i-source'),
        disks: 'clean-shutdown',
        agents: { postgresql: 'application-consistent' },
        recovered: ['postgresql'],
        storedBytes: 4096,
        output: OUTPUT,
      }),
    },
    mover: { examineProbe: async () => ({ report: LOADED, console: NO_CONSOLE, evidence: [] }) },
  });
  await record('relaunched', {
    control: {
      awaitRecovered: async ({ machine }) => ({
        saw: machine.attempt === 1 ? 'no-sign' : 'recovered',
        observation: { state: 'running' },
        says: '',
      }),
    },
  });
  await record('red', {
    mover: {
      restoreVolume: async () => {
        throw new VaultError('ObjectDamaged', 'pack 7 block 12: authentication failed');
      },
    },
  });
  await record('failed', {
    mover: {
      commitPoint: async () => {
        throw new VaultError('RunAbandoned', 'the run was fenced');
      },
    },
  });
  await recordRestore('restored-instance', 'instance');
  await recordRestore('restored-volumes', 'volumes');
  await recordTable('restored-table');
  await recordFiles('restored-files');
  await recordDrill('drilled');
  await recordCancelled('cancelled-clone', (started) => ({ control: { awaitRecovered: hangs(started) } }));
  await recordCancelled('cancelled-archive', (started) => ({ mover: { archiveShard: hangs(started) } }));
  await recordCollection('collected', { vault: 'main' });
  await recordCollection('collected-plan', { vault: 'main', steps: 'plan' });
  await recordCollection('collected-execute', { vault: 'main', steps: 'execute' });
  await record('checked', {}, { verify: 'sample' });
  await record('cleaned-up-first', {}, { verify: false });
  await recordEndedSibling('ended-sibling');
  await record('lost-machine', {
    control: {
      awaitStopped: async ({ machine: { role } }) => ({
        saw: role === 'verify' ? 'terminated' : 'stopped',
        observation: { state: role === 'verify' ? 'terminated' : 'stopped' },
        says: '',
      }),
    },
  });
  await recordCancelled('cancelled-siblings', (started) => ({ mover: { archiveShard: hangs(started) } }));
  await recordCancelled('cancelled-launch', (started) => ({ control: { launchMachine: hangs(started) } }));
  await recordDrill('drilled-looking-again');
} finally {
  await runs.stop();
}

function isWanted(name: string): boolean {
  const [, , ...wanted] = process.argv;
  return wanted.length === 0 ? !there.has(name) : wanted.includes(name);
}

/** One volume of a verification is damaged while the other is still being restored. */
async function recordEndedSibling(name: string): Promise<void> {
  const otherStarted = Promise.withResolvers<void>();
  const other = hangs(otherStarted.resolve);
  await record(name, {
    mover: {
      restoreVolume: async ({ volume: { volumeId } }) => {
        if (volumeId === 'vol-0b') return other();
        await otherStarted.promise;
        throw new VaultError('ObjectDamaged', 'pack 7 block 12: authentication failed');
      },
    },
  });
}

async function recordCollection(name: string, request: CollectionRequest): Promise<void> {
  if (!isWanted(name)) return;
  const run = await runs.backups.collect(request);
  await run.result();
  await keep(name, run.workflowId);
}

async function record(name: string, fakes: Fakes, request = {}): Promise<void> {
  if (!isWanted(name)) return;
  const run = await runs.begin(fakes, request);
  await run.result().catch(() => undefined);
  await keep(name, run.workflowId);
}

async function recordRestore(name: string, to: 'instance' | 'volumes'): Promise<void> {
  if (!isWanted(name)) return;
  const run = await runs.backups.restore({ pointId: '20261123T023107Z-9f2c01ab', to });
  await run.result();
  await keep(name, run.workflowId);
}

async function recordDrill(name: string): Promise<void> {
  if (!isWanted(name)) return;
  const pointId = '20261123T023107Z-9f2c01ab';
  const candidate = { pointId, instanceId: 'i-source', provenAt: null, expectedMs: null };
  runs.workers.use('', { control: { pickDrill: async () => [candidate, { ...candidate, expectedMs: 9e9 }] } });
  const run = await runs.backups.drill();
  await run.result();
  await keep(name, run.workflowId);
}

async function recordTable(name: string): Promise<void> {
  if (!isWanted(name)) return;
  const run = await runs.backups.restoreTable({
    pointId: '20261123T023107Z-9f2c01ab',
    database: 'bank',
    table: 'accounts',
  });
  await run.result();
  await keep(name, run.workflowId);
}

async function recordFiles(name: string): Promise<void> {
  if (!isWanted(name)) return;
  const wanted = { pointId: '20261123T023107Z-9f2c01ab', path: '/srv/data', into: 'restored' };
  const run = await runs.backups.restoreFiles(wanted);
  await run.result();
  await keep(name, run.workflowId);
}

async function recordCancelled(name: string, fakes: (started: () => void) => Fakes): Promise<void> {
  if (!isWanted(name)) return;
  const started = Promise.withResolvers<void>();
  const run = await runs.begin(fakes(started.resolve));
  await started.promise;
  await run.cancel();
  await run.result().catch(() => undefined);
  await keep(name, run.workflowId);
}

/** Of the workflow and all its children. */
async function keep(name: string, workflowId: string): Promise<void> {
  const history = await runs.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  const type = history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name ?? 'unknown';
  const file = `${name}.${type}.json`;
  await writeFile(
    new URL(file, FOLDER),
    `${JSON.stringify(JSON.parse(historyToJSON(history), withoutMachine), null, 1)}\n`,
  );
  process.stdout.write(`${fileURLToPath(new URL(file, FOLDER))}: ${history.events?.length} events\n`);
  for (const { startChildWorkflowExecutionInitiatedEventAttributes: child } of history.events ?? []) {
    if (child?.workflowId) await keep(name, child.workflowId);
  }
}

/** Who recorded it and in which folder is nobody's business; replay looks at neither. */
function withoutMachine(name: string, value: unknown): unknown {
  if (name === 'stackTrace') return undefined;
  return name === 'identity' ? 'recorded' : value;
}
