import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ShardOrder } from '../../../src/activities/archive.ts';
import type { CommitRequest } from '../../../src/activities/commit.ts';
import type { ExamineRequest } from '../../../src/activities/examine.ts';
import type { Leftover } from '../../../src/contract/results.ts';
import { PlatformError, VaultError } from '../../../src/errors.ts';
import type { RemovalRequest } from '../../../src/platforms/platform.ts';
import { type BackupRuns, note, startBackupRuns } from '../../support/backup-runs.ts';
import {
  CLEAN,
  MAP,
  machineFacts,
  REPORT,
  resolvedBackup,
  scratchSnapshot,
  VOLUMES,
} from '../../support/fake-activities.ts';
import { type Fakes, hangs } from '../../support/fake-workers.ts';

let runs: BackupRuns;
beforeAll(async () => {
  runs = await startBackupRuns();
});
afterAll(() => runs.stop());

describe.concurrent('a backup of two volumes', () => {
  test('ends with a verified point after at most 400 history events in all its workflows together', async () => {
    const removals: RemovalRequest[] = [];
    const fakes = { control: { removeRunResources: async (request: RemovalRequest) => note(removals, request) } };
    const run = await runs.begin(fakes);
    const result = await run.result();
    expect(result.verification?.verdict).toBe('green');
    expect(result.consistency.disks).toBe('clean-shutdown');
    expect(result.phases.map(({ phase, state }) => `${phase} ${state}`)).toEqual([
      'preflight done',
      'capture done',
      'clone done',
      'shutdown done',
      'archive done',
      'commit done',
      'verify done',
      'clean-up done',
      'index done',
    ]);
    const events = await countEvents(run.workflowId);
    expect(Object.keys(events)).toHaveLength(5);
    expect(Object.values(events).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(400);
    expect(removals.map(({ done, keepCapture, replacedCaptures }) => [done, keepCapture, replacedCaptures])).toEqual([
      [true, false, 'keep'],
      [true, true, 'remove'],
    ]);
  });

  test('tells each volume what it builds on, and the manifest too, as preflight decided', async () => {
    const base = {
      pointId: '20261122T023107Z-9f2c0001',
      pointsByHints: 2,
      volumes: [{ volumeId: VOLUMES[0], map: MAP, captureId: 'snap-old', hasChanges: true }],
    };
    const orders: ShardOrder[] = [];
    const committed: CommitRequest[] = [];
    const result = await runs.resultOf({
      control: {
        preflight: async ({ run }) => ({
          machine: machineFacts(run.sourceId),
          checks: [],
          increment: { base, readAll: null },
        }),
      },
      mover: {
        archiveShard: async (order) => {
          orders.push(order);
          return { bytesRead: 1, bytesStored: 1, blocksAudited: 1, byHints: true, readAll: null };
        },
        commitPoint: async (request) => {
          committed.push(request);
          return { pointId: request.run.runId, committedAt: '2026-11-23T02:32:00.000Z' };
        },
      },
    });
    const { volumes: _volumes, ...point } = base;
    const expected = { ...base.volumes[0], pointId: point.pointId, pointsByHints: point.pointsByHints };
    const bases = (list: readonly { volume: { volumeId: string }; base: unknown; readAll: unknown }[]) =>
      new Map(list.map(({ volume, base: given, readAll }) => [volume.volumeId, [given, readAll]]));
    expect(bases(orders)).toEqual(
      new Map([VOLUMES[0], VOLUMES[1]].map((id, n) => [id, [n === 0 ? expected : null, null]])),
    );
    expect(committed[0]?.volumes.map((volume) => volume.base?.pointId)).toEqual([base.pointId, undefined]);
    for (const volume of result.volumes) expect(volume).not.toHaveProperty('base');
  });

  test('lists the files of its point; a list that cannot be made fails no backup, and is said', async () => {
    const steps: string[] = [];
    const made = { files: 7, objects: 2, pages: 1, pagesReused: 0, notes: 0 };
    const fakes: Fakes = {
      control: {
        removeRunResources: async () => {
          steps.push('clean-up');
          return [];
        },
      },
      mover: {
        indexFiles: async ({ pointId }) => {
          steps.push(pointId);
          return made;
        },
      },
    };
    const listed = await runs.resultOf(fakes, { verify: false });
    expect(listed.fileIndex).toEqual(made);
    expect(steps, 'the list waits until nothing in the account costs anything').toEqual(['clean-up', listed.pointId]);
    const failed = await runs.resultOf({
      mover: {
        indexFiles: async () => {
          throw new VaultError('AccessDenied', 'no PutObject below index/');
        },
      },
    });
    expect(failed.fileIndex).toEqual({ code: 'AccessDenied', message: 'no PutObject below index/' });
    const summary = failed.phases.find(({ phase }) => phase === 'index')?.summary;
    expect(summary).toBe('not made: no PutObject below index/');
    expect(failed.verification?.verdict).toBe('green');
  });

  test('skips the verification that the request does not want', async () => {
    const { verification, phases } = await runs.resultOf({}, { verify: false });
    expect(verification).toBeUndefined();
    expect(phases.find(({ phase }) => phase === 'verify')?.state).toBe('skipped');
  });
});

/** Events by workflow id, children included. */
async function countEvents(workflowId: string): Promise<Record<string, number>> {
  const { events } = await runs.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  let all: Record<string, number> = { [workflowId]: events?.length ?? 0 };
  for (const { startChildWorkflowExecutionInitiatedEventAttributes: child } of events ?? []) {
    if (child?.workflowId) all = { ...all, ...(await countEvents(child.workflowId)) };
  }
  return all;
}

describe.concurrent('a step that fails', () => {
  test('ends the run with its phase and its own words, after clean-up', async () => {
    const removed: RemovalRequest[] = [];
    const failure = await runs.failureOf({
      control: {
        removeRunResources: async (request) => note(removed, request),
        launchMachine: async () => {
          throw new PlatformError('IsolationBroken', 'the running clone i-1 is not isolated: route');
        },
      },
    });
    expect(failure.code).toBe('IsolationBroken');
    expect(failure.message).toBe('clone: the running clone i-1 is not isolated: route');
    expect(removed).toHaveLength(1);
    expect(removed[0]).toMatchObject({ done: false, keepCapture: false, replacedCaptures: 'keep' });
  });

  test('is tried again as long as that can help', async () => {
    let attempts = 0;
    const recordChanges = async () => {
      if (++attempts < 3) throw new VaultError('VaultUnreachable', 'connection refused');
      return null;
    };
    await runs.resultOf({ mover: { recordChanges } }, { verify: false });
    expect(attempts).toBe(4); // two volumes, two failed attempts
  });

  test('in clean-up is repeated until it wins, and leaves the result as it was', async () => {
    let attempts = 0;
    const left: Leftover[] = [{ kind: 'volume', id: 'vol-1', reason: 'in use' }];
    const removeRunResources = async () => {
      if (++attempts <= 5) throw new PlatformError('PlatformUnreachable', 'no answer');
      return left;
    };
    const { leftovers } = await runs.resultOf({ control: { removeRunResources } }, { verify: false });
    expect(leftovers).toEqual(left);
    expect(attempts).toBe(6);
  });

  test('names what clean-up could not remove', async () => {
    const failure = await runs.failureOf({
      control: { removeRunResources: async () => [{ kind: 'instance', id: 'i-stuck', reason: 'shutting-down' }] },
      mover: {
        commitPoint: async () => {
          throw new VaultError('RunAbandoned', 'the run was fenced');
        },
      },
    });
    expect(failure.message).toBe('commit: the run was fenced. Left behind: i-stuck');
  });
});

describe.concurrent('a run that takes longer than its limit', () => {
  test('ends through clean-up with RunLimitExceeded', async () => {
    const removed: RemovalRequest[] = [];
    const limits = { ...resolvedBackup('i-1').limits, runMs: 1_000 };
    const failure = await runs.failureOf({
      control: {
        resolveRequest: async (input) => resolvedBackup((input as { instanceId: string }).instanceId, { limits }),
        awaitRecovered: hangs(() => undefined),
        removeRunResources: async (request) => note(removed, request),
      },
    });
    expect(failure.code).toBe('RunLimitExceeded');
    expect(removed).toHaveLength(1);
  });
});

describe.concurrent('a clone without a sign of life', () => {
  test('leaves its evidence, is terminated, and a second one makes the point', async () => {
    const terminated: string[] = [];
    const evidence = { name: 'clone-1-console.txt', sha256: '0'.repeat(64), bytes: 9, contentType: 'text/plain' };
    let committed: unknown;
    await runs.resultOf(
      {
        control: {
          awaitRecovered: async ({ machine }) =>
            machine.attempt === 1 && machine.role === 'clone'
              ? { saw: 'no-sign', observation: { state: 'running' }, says: '' }
              : { saw: 'recovered', observation: { state: 'running' }, says: 'recovered' },
          terminateMachine: async ({ machineId }) => void terminated.push(machineId),
        },
        mover: {
          keepEvidence: async () => [evidence],
          commitPoint: async (request) => {
            committed = request;
            return { pointId: request.run.runId, committedAt: '2026-11-23T02:32:00.000Z' };
          },
        },
      },
      { verify: false },
    );
    expect(terminated).toEqual(['i-clone-1']);
    expect(committed).toMatchObject({ clone: { machineId: 'i-clone-2' }, evidence: [evidence] });
  });

  test('twice ends the run with CloneNotAlive', async () => {
    const failure = await runs.failureOf({
      control: { awaitRecovered: async () => ({ saw: 'no-sign', observation: { state: 'running' }, says: '' }) },
    });
    expect(failure.code).toBe('CloneNotAlive');
    expect(failure.message).toMatch(/two clone machines gave no sign of life within 60 s/);
  });
});

describe.concurrent('a clone that does not power off', () => {
  test('is stopped past its limit, and judged as stopped from outside', async () => {
    let judged: { stoppedByUs: boolean } | undefined;
    await runs.resultOf(
      {
        control: { awaitStopped: async () => ({ saw: 'limit', observation: { state: 'running' }, says: '' }) },
        mover: {
          examineClone: async (request) => {
            judged = request;
            return {
              verdict: CLEAN,
              report: REPORT,
              console: { name: 'console', verdict: 'clean', found: '' },
              evidence: [],
            };
          },
        },
      },
      { verify: false },
    );
    expect(judged?.stoppedByUs).toBe(true);
  });
});

describe.concurrent('evidence below the wanted class', () => {
  const lowered = ['file-system vol-0b/p1: ext4: needs recovery'];
  const dirty = { ...CLEAN, disks: 'crash-consistent', lowered } as const;

  test('ends the run before anything is archived, and names what is missing', async () => {
    let archived = 0;
    const failure = await runs.failureOf({
      mover: {
        examineClone: async () => ({
          verdict: dirty,
          report: REPORT,
          console: { name: 'console', verdict: 'clean', found: '' },
          evidence: [],
        }),
        recordChanges: async () => {
          archived++;
          return null;
        },
      },
    });
    expect(failure.code).toBe('ConsistencyTooLow');
    expect(failure.message).toContain('ext4: needs recovery');
    expect(archived).toBe(0);
  });

  test('found only in the sealed packs keeps the point from being committed', async () => {
    let committed = 0;
    const failure = await runs.failureOf({
      mover: {
        confirmFacts: async () => dirty,
        commitPoint: async ({ run }) => {
          committed++;
          return { pointId: run.runId, committedAt: '2026-11-23T02:32:00.000Z' };
        },
      },
    });
    expect(failure.message).toMatch(/^commit: the disks are crash-consistent/);
    expect(committed).toBe(0);
  });
});

describe.concurrent('a backup by agents', () => {
  const DIGEST = 'a'.repeat(64);
  const RECORD = {
    recipe: 'postgresql',
    exitStatus: 0,
    startedAt: '2026-11-23T02:31:20.000Z',
    endedAt: '2026-11-23T02:31:21.000Z',
    log: { bytes: 9, sha256: DIGEST },
    output: { files: 2, bytes: 20, listSha256: DIGEST },
    facts: { rows: 7 },
  };
  const HARVESTED = { ...REPORT, harvest: { records: [RECORD] } };
  const PROVEN = { ...CLEAN, agents: { postgresql: 'application-consistent' } } as const;
  const EXAMINED = {
    verdict: PROVEN,
    report: HARVESTED,
    console: { name: 'console', verdict: 'clean', found: '' },
    evidence: [],
    agentFailures: [],
  } as const;
  const resolveRequest = async (input: unknown) =>
    resolvedBackup((input as { instanceId: string }).instanceId, { verify: false, method: 'application-agent' });

  test('archives what they wrote from behind the results, beside the disks, and records it', async () => {
    const orders: ShardOrder[] = [];
    const committed: CommitRequest[] = [];
    const scratch: number[] = [];
    const result = await runs.resultOf({
      control: {
        resolveRequest,
        prepareScratch: async ({ scratchGiB, agents }) => {
          scratch.push(scratchGiB, agents?.region.giB ?? 0);
          return { scratchSnapshotId: 'snap-scratch' };
        },
      },
      mover: {
        examineClone: async () => EXAMINED,
        confirmFacts: async () => PROVEN,
        archiveShard: async (order) => {
          orders.push(order);
          return { bytesRead: 1, bytesStored: 1, blocksAudited: 0, byHints: false, readAll: order.readAll };
        },
        commitPoint: async (request) => {
          committed.push(request);
          return { pointId: request.run.runId, committedAt: '2026-11-23T02:32:00.000Z' };
        },
      },
    });
    // Two volumes of 1 GiB: as much room for what agents write.
    expect(scratch).toEqual([1, 2]);
    const output = orders.find(({ volume }) => volume.volumeId === 'agent-output');
    expect(output).toMatchObject({ fromByte: 2 ** 30, base: null, volume: { bytes: 2 ** 31 } });
    expect(output?.snapshot.sourceVolumeId).toBe('scratch');
    expect(committed[0]?.output).toMatchObject({ volume: { volumeId: 'agent-output' }, records: [RECORD] });
    expect(committed[0]?.volumes.map(({ volumeId }) => volumeId)).toEqual([...VOLUMES, 'agent-output']);
    expect(result).toMatchObject({ agents: [RECORD], consistency: { agents: PROVEN.agents } });
    expect(result.phases.find(({ phase }) => phase === 'agents')?.state).toBe('done');
  });

  test('alone archives nothing else: no disk is snapshotted or read, and its capture is no base for later runs', async () => {
    const examined: ExamineRequest[] = [];
    const archived: string[] = [];
    const removals: RemovalRequest[] = [];
    const snapshotted: boolean[] = [];
    const outputOnly = { method: 'application-agent', outputOnly: true, verify: 'full' } as const;
    const result = await runs.resultOf({
      control: {
        resolveRequest: async (input) => resolvedBackup((input as { instanceId: string }).instanceId, outputOnly),
        snapshotStopped: async ({ scratchOnly }) => {
          snapshotted.push(scratchOnly);
          return { disks: [], scratch: scratchSnapshot() };
        },
        removeRunResources: async (request) => note(removals, request),
      },
      mover: {
        examineClone: async (request) => {
          examined.push(request);
          return { ...EXAMINED, verdict: { ...PROVEN, disks: null } };
        },
        confirmFacts: async () => ({ ...PROVEN, disks: null }),
        recordChanges: async ({ volume }) => {
          archived.push(volume.volumeId);
          return null;
        },
      },
    });
    expect(snapshotted).toEqual([true]);
    expect(examined[0]?.volumes).toEqual([]);
    expect(archived).toEqual(['agent-output']);
    expect(result).toMatchObject({ consistency: { disks: null, agents: PROVEN.agents }, check: { level: 'full' } });
    expect(result.volumes.map(({ volumeId }) => volumeId)).toEqual(['agent-output']);
    expect(removals.map(({ done, keepCapture, replacedCaptures }) => [done, keepCapture, replacedCaptures])).toEqual([
      [true, false, 'keep'],
    ]);
  });

  test('of which one fails ends with AgentFailed, its words and its sealed log, before anything is archived', async () => {
    let archived = 0;
    const log = { name: 'clone-1-result-answers-postgresql.agent.log', sha256: DIGEST, bytes: 9, contentType: 'x' };
    const failed = { recipe: 'postgresql', exitStatus: 3, reason: 'exit status 3', lastWords: 'cannot connect' };
    const failure = await runs.failureOf({
      control: { resolveRequest },
      mover: {
        examineClone: async () => ({ ...EXAMINED, evidence: [log], agentFailures: [failed] }),
        recordChanges: async () => {
          archived++;
          return null;
        },
      },
    });
    expect(failure.code).toBe('AgentFailed');
    expect(failure.message).toMatch(/postgresql.*exit status 3.*"cannot connect"/);
    expect(failure.message).toMatch(new RegExp(`: runs/[0-9A-Za-z-]+/evidence/${log.name}$`));
    expect(archived).toBe(0);
  });
});
