import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { EvidenceError, PlatformError } from '../../../src/errors.ts';
import { runFake } from './fake-deps.ts';
import { INSTANCE, POINT_ID, progressWith, RESULT, VERIFICATION } from './samples.ts';

const DONE = progressWith({ preflight: 'done', capture: 'done' });

test('only what a person asked for is sent; everything else stays the default of the contract', async () => {
  const { requests } = await runFake(['backup', INSTANCE], { progress: [DONE], result: RESULT });
  expect(requests).toEqual([
    {
      requestId: 'request-1',
      request: expect.objectContaining({ instanceId: INSTANCE, verify: true, atLeast: 'clean-shutdown' }),
    },
  ]);
});

test('every option reaches the request', async () => {
  const args = ['backup', INSTANCE, '--no-verify', '--at-least', 'crash-consistent', '--retain-snapshots'];
  const more = ['--accept', 'instance-store', '--vault', 'second', '--recipe', 'redis', '--request-id', 'nightly-1'];
  const { requests } = await runFake([...args, ...more], { progress: [DONE], result: RESULT });
  expect(requests[0]).toMatchObject({
    requestId: 'nightly-1',
    request: {
      verify: false,
      atLeast: 'crash-consistent',
      retain: { snapshots: true },
      accept: ['instance-store'],
      vault: 'second',
      recipes: ['redis'],
    },
  });
});

test('--no-disks asks for what agents write alone, and the result says that there are no disks', async () => {
  const args = ['backup', INSTANCE, '--method', 'application-agent', '--no-disks'];
  const consistency = { ...RESULT.consistency, disks: null, agents: { redis: 'application-consistent' as const } };
  const { requests, stdout } = await runFake(args, { progress: [DONE], result: { ...RESULT, consistency } });
  expect(requests[0]).toMatchObject({ request: { method: 'application-agent', disks: false } });
  expect(stdout).toMatch(/class +no disks\nagent +redis application-consistent\n/);
});

test('a person reads the point, its class and its verification on stdout and each ended phase on stderr', async () => {
  const steps = [progressWith({ preflight: 'running' }), DONE];
  const { exitCode, stdout, stderr } = await runFake(['backup', INSTANCE], { progress: steps, result: RESULT });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(new RegExp(`point +${POINT_ID} in vault main`));
  expect(stdout).toMatch(/class +clean-shutdown\n/);
  expect(stdout).toMatch(/verification +green/);
  expect(stderr).toMatch(/preflight +preflight done +0\.3 s/);
  expect(stderr.match(/preflight done/g)).toHaveLength(1);
});

test('a program reads progress lines and, last, one result', async () => {
  const steps = [progressWith({ preflight: 'running' }), DONE, DONE];
  const { exitCode, json } = await runFake(['backup', INSTANCE, '--json'], { progress: steps, result: RESULT });
  expect(exitCode).toBe(0);
  expect(json.map(({ type }) => type)).toEqual(['progress', 'progress', 'result']);
  expect(json.at(-1)).toMatchObject({ ok: true, pointId: POINT_ID, verification: { verdict: 'green' } });
});

test.each([
  { code: 'PreflightRefused', exitCode: 3 },
  { code: 'InstanceNotFound', exitCode: 3 },
  { code: 'InvalidInput', exitCode: 2 },
  { code: 'UnknownName', exitCode: 2 },
  { code: 'VerificationFailed', exitCode: 4 },
  { code: 'ConsistencyTooLow', exitCode: 1 },
  { code: 'BackupAlreadyRunning', exitCode: 1 },
])('a run that failed with $code ends with $exitCode, in both forms', async ({ code, exitCode }) => {
  const cause = ApplicationFailure.create({
    type: code,
    message: 'what was found',
    details: [{ instanceId: INSTANCE }],
  });
  const result = new Error('Workflow execution failed', { cause: new Error('child failed', { cause }) });
  const script = { progress: [progressWith({ preflight: 'done' })], result };
  const human = await runFake(['backup', INSTANCE], script);
  const json = await runFake(['backup', INSTANCE, '--json'], script);
  expect([human.exitCode, json.exitCode]).toEqual([exitCode, exitCode]);
  expect(human.stderr).toMatch(/failed: what was found\n/);
  expect(human.stderr).toContain(`code    ${code}`);
  expect(human.stderr).toMatch(/remedy {2}\S/);
  expect(json.json.at(-1)).toMatchObject({ type: 'result', ok: false, code, context: { instanceId: INSTANCE } });
});

test('a failure in the preflight phase is a refusal, whatever its code', async () => {
  const result = new PlatformError('AccessDenied', 'ec2:CreateSnapshots is denied');
  const { exitCode, stderr } = await runFake(['backup', INSTANCE], {
    progress: [progressWith({ preflight: 'failed' })],
    result,
  });
  expect(exitCode).toBe(3);
  expect(stderr).toContain(`backup of ${INSTANCE} (preflight) failed: ec2:CreateSnapshots is denied`);
});

test('a point whose verification is red ends with 4 and still says which point it is', async () => {
  const verification = { ...VERIFICATION, verdict: 'red' as const, failures: ['PostgreSQL did not answer'] };
  const { exitCode, stdout, stderr } = await runFake(['backup', INSTANCE], {
    progress: [DONE],
    result: { ...RESULT, verification },
  });
  expect(exitCode).toBe(4);
  expect(stdout).toContain(POINT_ID);
  expect(stderr).toContain('PostgreSQL did not answer');
});

test('Ctrl-C stops watching, not the backup, and says how to end it', async () => {
  const { exitCode, stderr, closed } = await runFake(['backup', INSTANCE], { progress: [DONE], interrupt: true });
  expect(exitCode).toBe(130);
  expect(stderr).toContain('the run goes on');
  expect(stderr).toContain('temporal workflow cancel --workflow-id backup-request/request-1');
  expect(closed).toBe(1);
});

test('a cancelled run says so', async () => {
  const result = new Error('Workflow execution cancelled', { cause: new CancelledFailure('cancelled') });
  const { exitCode, stderr } = await runFake(['backup', INSTANCE], { progress: [DONE], result });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('the run was cancelled');
});

test.each([
  [['backup']],
  [['backup', 'i-wrong']],
  [['backup', INSTANCE, '--at-least', 'perfect']],
  [['backup', INSTANCE, '--request-id', 'a/b']],
  [['frobnicate']],
  [[]],
])('%j is bad usage: exit 2, and nothing was started', async (args) => {
  const { exitCode, requests, stderr } = await runFake(args);
  expect(exitCode).toBe(2);
  expect(requests).toEqual([]);
  expect(stderr).not.toBe('');
});

test('a wrong instance id names the field and its form', async () => {
  const { stderr } = await runFake(['backup', 'i-wrong']);
  expect(stderr).toContain('instanceId: must look like i-0123456789abcdef0');
});

test('escape sequences from a guest never reach the terminal', async () => {
  const hostile = '\u001b]0;owned\u0007\u001b[2Jgone';
  const failed = new EvidenceError('ConsistencyTooLow', `console says ${hostile}\nsecond line`);
  const phases = [{ phase: 'shutdown' as const, state: 'failed' as const, summary: hostile }];
  const { stderr } = await runFake(['backup', INSTANCE], { progress: [{ phases, volumes: [] }], result: failed });
  expect(stderr).toContain('second line');
  expect([...stderr].filter((character) => character !== '\n' && /\p{Cc}/u.test(character))).toEqual([]);
});

test('--detach starts the run and does not wait for it', async () => {
  const { exitCode, json } = await runFake(['backup', INSTANCE, '--detach', '--json']);
  expect(exitCode).toBe(0);
  expect(json).toEqual([{ type: 'result', ok: true, workflowId: 'backup-request/request-1', detached: true }]);
});

test('a long message is cut for a terminal, and whole for a program', async () => {
  const message = `agent: ${'x'.repeat(900)} end`;
  const result = new Error('Workflow execution failed', {
    cause: ApplicationFailure.create({ type: 'AgentFailed', message }),
  });
  const { stderr, json } = await runFake(['backup', INSTANCE, '--json'], { progress: [DONE], result });
  expect(stderr).toContain('xxx…');
  expect(json.at(-1)).toMatchObject({ code: 'AgentFailed', message });
});
