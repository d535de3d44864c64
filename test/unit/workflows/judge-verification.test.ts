import { describe, expect, test } from 'vitest';
import type { PointFacts } from '../../../src/activities/point.ts';
import type { RecipeAnswer } from '../../../src/contract/evidence.ts';
import { judgeVerification, type VerificationFindings } from '../../../src/workflows/judge-verification.ts';
import { machineFacts } from '../../support/fake-activities.ts';

const POINT: PointFacts = {
  pointId: '20261123T023107Z-9f2c01ab',
  capturedAt: '2026-11-23T02:31:07.412Z',
  machine: machineFacts('i-1'),
  disks: 'clean-shutdown',
  agents: {},
  recovered: ['postgresql'],
  storedBytes: 1,
};
const OFF = {
  observation: { state: 'stopped', reasonCode: 'Client.InstanceInitiatedShutdown' },
  stoppedByUs: false,
} as const;

function answers(...failing: RecipeAnswer['step'][]): RecipeAnswer[] {
  return (['detect', 'recovered', 'probe'] as const).map((step) => ({
    recipe: 'postgresql',
    step,
    ok: !failing.includes(step),
    facts: failing.includes(step) ? { error: 'no answer' } : { accounts: 12_418 },
  }));
}

function fileSystem(state: 'clean' | 'dirty' | 'none') {
  return {
    volumeId: 'vol-0a',
    partition: 1,
    offset: 0,
    bytes: 1,
    kind: 'ext4',
    state,
    found: `it is ${state}`,
  } as const;
}

const GREEN: VerificationFindings = {
  point: POINT,
  disks: { fileSystems: [fileSystem('clean'), fileSystem('none')], cleanFacts: {} },
  stopped: OFF,
  report: { finished: true, answers: answers() },
  console: { name: 'console', verdict: 'not-observed', found: 'no console output' },
};

describe('a verification', () => {
  test('is green when disks, machine and applications hold', () => {
    expect(judgeVerification(GREEN)).toMatchObject({
      failures: [],
      disks: { claimed: 'clean-shutdown', verdict: 'confirmed' },
    });
  });

  test.each<[string, Partial<VerificationFindings>, RegExp]>([
    [
      'a dirty file system',
      { disks: { fileSystems: [fileSystem('dirty')], cleanFacts: {} } },
      /file-system vol-0a\/p1: ext4: it is dirty/,
    ],
    [
      'an application that does not recover',
      { report: { finished: true, answers: answers('recovered') } },
      /did not recover \(error no answer\)/,
    ],
    [
      'an application that fails its probe',
      { report: { finished: true, answers: answers('probe') } },
      /did not answer its probe/,
    ],
    ['an application that is gone', { report: { finished: true, answers: [] } }, /was not found.*was not asked/],
    [
      'a boot script that did not finish',
      { report: { finished: false, answers: answers() } },
      /boot script did not finish/,
    ],
    ['a machine that had to be stopped', { stopped: { ...OFF, stoppedByUs: true } }, /did not power itself off/],
  ])('is red for %s', (_, change, says) => {
    const { failures } = judgeVerification({ ...GREEN, ...change });
    expect(failures.join('\n')).toMatch(says);
  });

  test('without any results is red: the machine did not boot', () => {
    const report = { finished: false, absent: 'nothing was written', answers: [] };
    const { failures } = judgeVerification({ ...GREEN, report });
    expect(failures[0]).toMatch(/did not boot as far as its boot script: nothing was written/);
  });

  test('does not blame a crash-consistent point for dirty file systems', () => {
    const { failures, disks } = judgeVerification({
      ...GREEN,
      point: { ...POINT, disks: 'crash-consistent' },
      disks: { fileSystems: [fileSystem('dirty')], cleanFacts: {} },
    });
    expect(failures).toEqual([]);
    expect(disks.claimed).toBe('crash-consistent');
  });
});
