import { expect, test } from 'vitest';
import type { FileSystemFact } from '../../../src/disk/file-system-fact.ts';
import { type ConsistencyEvidence, judgeConsistency } from '../../../src/recipes/consistency.ts';

const root: FileSystemFact = {
  volumeId: 'vol-1',
  partition: 1,
  offset: 0,
  bytes: 1,
  kind: 'ext4',
  state: 'clean',
  found: 'cleanly unmounted',
};

const orderly: ConsistencyEvidence = {
  observation: { state: 'stopped', reasonCode: 'Client.InstanceInitiatedShutdown' },
  stoppedByUs: false,
  fileSystems: [root],
  console: { name: 'console', verdict: 'clean', found: 'nothing' },
  cleanFacts: { postgresql: { name: 'postgresql clean', verdict: 'clean', found: 'shut down' } },
  bootReport: {
    finished: true,
    answers: [
      { recipe: 'postgresql', step: 'detect', ok: true, facts: {} },
      { recipe: 'postgresql', step: 'recovered', ok: true, facts: {} },
    ],
  },
};

test('an orderly end with every item is clean-shutdown', () => {
  expect(judgeConsistency(orderly)).toMatchObject({ disks: 'clean-shutdown', lowered: [] });
});

test('of disks that are not archived nothing is claimed, and nothing lowers it; what was seen of the clone stays', () => {
  const { disks, lowered, facts } = judgeConsistency({
    ...orderly,
    fileSystems: null,
    cleanFacts: {},
    stoppedByUs: true,
  });
  expect({ disks, lowered }).toEqual({ disks: null, lowered: [] });
  expect(facts.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
    'power-off dirty',
    'console clean',
    'postgresql recovered clean',
    'postgresql clean not-observed',
  ]);
});

test.each([
  {
    what: 'a power cut',
    change: { observation: { state: 'stopped', reasonCode: 'Server.InternalError' } },
    names: /^power-off: .*Server.InternalError/,
  },
  { what: 'a stop without reason', change: { observation: { state: 'stopped' } }, names: /^power-off/ },
  {
    what: 'StopInstances although the flags are clean',
    change: { stoppedByUs: true },
    names: /^power-off: stopped from outside/,
  },
  {
    what: 'a machine that still runs',
    change: { observation: { state: 'running' } },
    names: /^power-off: the machine is running/,
  },
  {
    what: 'a dirty file system',
    change: { fileSystems: [{ ...root, state: 'dirty', found: 'the journal needs recovery' }] },
    names: /^file-system vol-1\/p1: ext4: the journal/,
  },
  {
    what: 'an unknown file system',
    change: { fileSystems: [root, { ...root, partition: 2, kind: 'lvm', state: 'unknown', found: 'LVM' }] },
    names: /^file-system vol-1\/p2: lvm/,
  },
  {
    what: 'disks without any file system',
    change: { fileSystems: [{ ...root, kind: 'swap', state: 'none' }] },
    names: /^file-systems: no file system/,
  },
  {
    what: 'a console that contradicts',
    change: { console: { name: 'console', verdict: 'dirty', found: 'killed at shutdown' } },
    names: /^console: killed/,
  },
  {
    what: 'a database that was killed',
    change: { cleanFacts: { postgresql: { name: 'postgresql clean', verdict: 'dirty', found: 'in production' } } },
    names: /^postgresql clean: in production/,
  },
  {
    what: 'files that cannot be read',
    change: { cleanFacts: { postgresql: { name: 'postgresql clean', verdict: 'unknown', found: 'xfs' } } },
    names: /^postgresql clean: xfs/,
  },
  {
    what: 'an application that did not recover',
    change: {
      bootReport: { finished: true, answers: [{ recipe: 'postgresql', step: 'detect', ok: true, facts: {} }] },
    },
    names: /^postgresql recovered: postgresql did not recover/,
  },
  {
    what: 'an application that did not recover and says why',
    change: {
      bootReport: {
        finished: true,
        answers: [
          { recipe: 'postgresql', step: 'detect', ok: true, facts: {} },
          { recipe: 'postgresql', step: 'recovered', ok: false, facts: { reason: 'my own reason' } },
        ],
      },
    },
    names: /^postgresql recovered: postgresql did not recover within its limit: my own reason$/,
  },
  {
    what: 'an application that its script could not stop',
    change: {
      bootReport: {
        finished: true,
        answers: [
          ...orderly.bootReport.answers,
          { recipe: 'postgresql', step: 'stop', ok: false, facts: { reason: 'its peer does not answer' } },
        ],
      },
    },
    names: /^postgresql stopped: it was not ended in order: its peer does not answer$/,
  },
  {
    what: 'a detect script that broke beside an application that is well',
    change: {
      bootReport: {
        finished: true,
        answers: [
          ...orderly.bootReport.answers,
          {
            recipe: 'shop',
            step: 'detect',
            ok: false,
            broken: true,
            facts: { error: 'exit status 2: unexpected "fi"' },
          },
        ],
      },
    },
    names: /^shop detect: exit status 2: unexpected "fi"$/,
  },
  {
    what: 'a report that is missing',
    change: { bootReport: { finished: false, absent: 'nothing was written', answers: [] } },
    names: /^boot-script: nothing was written/,
  },
  {
    what: 'a report that is not finished',
    change: { bootReport: { finished: false, answers: [] } },
    names: /^boot-script: the boot script did not finish/,
  },
] satisfies { what: string; change: Partial<ConsistencyEvidence>; names: RegExp }[])(
  '$what is crash-consistent and named',
  ({ change, names }) => {
    const verdict = judgeConsistency({ ...orderly, ...change });
    expect(verdict.disks).toBe('crash-consistent');
    expect(verdict.lowered).toHaveLength(1);
    expect(verdict.lowered[0]).toMatch(names);
  },
);

test.each([
  { what: 'no console', change: { console: { name: 'console', verdict: 'not-observed', found: 'none' } } },
  { what: 'an application whose files tell nothing', change: { cleanFacts: {} } },
  {
    what: 'a swap partition beside',
    change: { fileSystems: [root, { ...root, partition: 2, kind: 'swap', state: 'none' }] },
  },
  {
    what: 'a recipe that did not match',
    change: {
      cleanFacts: {},
      bootReport: { finished: true, answers: [{ recipe: 'redis', step: 'detect', ok: false, facts: {} }] },
    },
  },
] satisfies { what: string; change: Partial<ConsistencyEvidence> }[])('$what is noted and not fatal', ({ change }) => {
  expect(judgeConsistency({ ...orderly, ...change })).toMatchObject({ disks: 'clean-shutdown', lowered: [] });
});
