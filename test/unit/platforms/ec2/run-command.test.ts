import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import type { OwnMachine } from '../../../../src/contract/machine.ts';
import { removeRunResources } from '../../../../src/platforms/ec2/clean-up.ts';
import type { Ec2Context } from '../../../../src/platforms/ec2/context.ts';
import { claimInstance } from '../../../../src/platforms/ec2/owned.ts';
import {
  cancelCommands,
  ensureCommand,
  readCommand,
  readCommandOutput,
} from '../../../../src/platforms/ec2/run-command.ts';
import { TEST_RUN as run } from '../../../support/test-run.ts';

const NEVER = new AbortController().signal;
const machine: OwnMachine = {
  machineId: 'i-clone',
  imageId: 'ami-1',
  role: 'clone',
  attempt: 2,
  instanceType: 't3.small',
  zone: 'z',
  channel: 'run-command',
  volumes: {},
};
const GONE = { State: { Name: 'terminated' } };
const COMMENT = `understudy ${run.runId} clone 2`;
const ORDER = { run, machine, script: 'one\ntwo', executionMs: 3_600_000 };

interface Sent {
  readonly name: string;
  readonly input: Record<string, unknown>;
}

/** Systems Manager and the one instance, as far as this protocol sees them. `send`: what SendCommand does. */
function aws({
  tags = ours(),
  online = true,
  commands = [] as object[],
  send = (): object => ({}),
  invocation = (): object => ({}),
  profile = undefined as string | undefined,
}) {
  const sent: Sent[] = [];
  let nowMs = 0;
  const answers: Record<string, () => object> = {
    [DescribeInstancesCommand.name]: () => ({
      Reservations: [{ Instances: [{ InstanceId: 'i-clone', Tags: tags, ...instance() }] }],
    }),
    DescribeInstanceInformationCommand: () => ({
      InstanceInformationList: online ? [{ InstanceId: 'i-clone', PingStatus: 'Online' }] : [],
    }),
    ListCommandsCommand: () => ({ Commands: commands }),
    GetCommandInvocationCommand: () => invocation(),
    SendCommandCommand: () => send(),
  };
  let isTerminated = false;
  const instance = () => ({ ...(profile && { IamInstanceProfile: { Arn: profile } }), ...(isTerminated && GONE) });
  answers.TerminateInstancesCommand = () => {
    isTerminated = true;
    return {};
  };
  const client = {
    async send(command: { constructor: { name: string }; input: Record<string, unknown> }) {
      sent.push({ name: command.constructor.name, input: command.input });
      return answers[command.constructor.name]?.() ?? {};
    },
  };
  const context = {
    clients: { ec2: client, ssm: client, ssmOnce: client },
    clock: () => new Date(nowMs),
    sleep: async (ms: number) => {
      nowMs += ms;
    },
    log: () => {},
  } as unknown as Ec2Context;
  const names = () => sent.map(({ name }) => name);
  return { context, commands, names, of: (name: string) => sent.filter((one) => one.name === `${name}Command`) };
}

function ours() {
  return [
    { Key: 'understudy:deployment', Value: 'deployment' },
    { Key: 'understudy:run', Value: run.runId },
    { Key: 'understudy:role', Value: 'clone' },
  ];
}

function refusal(name: string): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode: 400 } });
}

function lostReply(): never {
  throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

describe('a script is sent to a machine', () => {
  test('once it is online: one command with run, role and attempt as its comment', async () => {
    const { context, of } = aws({ send: () => ({ Command: { CommandId: 'c-1' } }) });
    expect(await ensureCommand(context, ORDER, NEVER)).toBe('c-1');
    expect(of('SendCommand').map(({ input }) => input)).toEqual([
      {
        InstanceIds: ['i-clone'],
        DocumentName: 'AWS-RunShellScript',
        DocumentVersion: '1',
        DocumentHash: expect.stringMatching(/^99749de5[0-9a-f]{56}$/),
        DocumentHashType: 'Sha256',
        Parameters: { commands: ['one', 'two'], executionTimeout: ['3600'] },
        TimeoutSeconds: 300,
        Comment: COMMENT,
      },
    ]);
  });

  test('not before, and not when it leaves again in between', async () => {
    const asleep = aws({ online: false });
    expect(await ensureCommand(asleep.context, ORDER, NEVER)).toBeUndefined();
    expect(asleep.of('SendCommand')).toEqual([]);
    const leaving = aws({
      send: () => {
        throw refusal('InvalidInstanceId');
      },
    });
    expect(await ensureCommand(leaving.context, ORDER, NEVER)).toBeUndefined();
  });

  test('never twice: what an earlier attempt sent is adopted, another attempt’s is not', async () => {
    const commands = [
      { CommandId: 'late', Comment: COMMENT, RequestedDateTime: new Date(2_000) },
      { CommandId: 'early', Comment: COMMENT, RequestedDateTime: new Date(1_000) },
      { CommandId: 'other', Comment: `understudy ${run.runId} clone 1`, RequestedDateTime: new Date(0) },
    ];
    const { context, of } = aws({ commands });
    expect(await ensureCommand(context, ORDER, NEVER)).toBe('early');
    expect(of('SendCommand')).toEqual([]);
  });

  test('and when the answer is lost, it is looked for instead of sent again', async () => {
    const world = aws({
      send: () => {
        world.commands.push({ CommandId: 'c-1', Comment: COMMENT, RequestedDateTime: new Date(0) });
        return lostReply();
      },
    });
    expect(await ensureCommand(world.context, ORDER, NEVER)).toBe('c-1');
    expect(world.of('SendCommand')).toHaveLength(1);
  });

  test('and when nothing shows for two minutes, the next attempt may send again', async () => {
    const { context, of } = aws({ send: lostReply });
    await expect(ensureCommand(context, ORDER, NEVER)).rejects.toMatchObject({
      code: 'CommandUnconfirmed',
      status: 'transient',
    });
    expect(of('SendCommand')).toHaveLength(1);
    expect(of('ListCommands').length).toBeGreaterThan(10);
  });

  test.each([
    ['of somebody else', []],
    ['of another deployment', ours().slice(1)],
  ])('but not to a machine %s', async (_, tags) => {
    const { context, of } = aws({ tags });
    await expect(ensureCommand(context, ORDER, NEVER)).rejects.toMatchObject({ code: 'ResourceNotOurs' });
    expect(of('SendCommand')).toEqual([]);
  });
});

describe("a command's state", () => {
  const STARTED = '2026-11-23T02:31:07Z';
  test.each([
    [{ Status: 'Pending', StatusDetails: 'Pending', ExecutionStartDateTime: '' }, 'waiting'],
    [{ Status: 'InProgress', StatusDetails: 'In Progress', ExecutionStartDateTime: STARTED }, 'running'],
    [{ Status: 'Success', StatusDetails: 'Success', ExecutionStartDateTime: STARTED }, 'ended'],
    [{ Status: 'TimedOut', StatusDetails: 'Execution Timed Out', ExecutionStartDateTime: STARTED }, 'ended'],
    [{ Status: 'TimedOut', StatusDetails: 'Delivery Timed Out', ExecutionStartDateTime: '' }, 'never-started'],
    [{ Status: 'Failed', StatusDetails: 'Undeliverable', ExecutionStartDateTime: '' }, 'never-started'],
  ])('%j is %s', async (answer, phase) => {
    const { context } = aws({ invocation: () => answer });
    const state = await readCommand(context, { run, machineId: 'i-clone', commandId: 'c' }, NEVER);
    expect(state).toEqual({ phase, word: answer.StatusDetails.replaceAll(' ', '') });
  });

  test('is unknown as long as the platform does not show it', async () => {
    const { context } = aws({
      invocation: () => {
        throw refusal('InvocationDoesNotExist');
      },
    });
    expect(await readCommand(context, { run, machineId: 'i-clone', commandId: 'c' }, NEVER)).toBeUndefined();
  });
});

test('what a command printed is read with its state, for evidence; nothing where none was sent', async () => {
  const commands = [{ CommandId: 'c-1', Comment: COMMENT, RequestedDateTime: new Date(0) }];
  const said = { Status: 'Failed', StatusDetails: 'Failed', StandardOutputContent: 'out', StandardErrorContent: 'err' };
  const { context } = aws({ commands, invocation: () => said });
  const found = { commandId: 'c-1', word: 'Failed', output: 'out', error: 'err' };
  expect(await readCommandOutput(context, run, machine, NEVER)).toEqual(found);
  expect(await readCommandOutput(aws({}).context, run, machine, NEVER)).toBeUndefined();
});

test("clean-up cancels this run's commands that may still do something, and goes on if it cannot", async () => {
  const commands = [
    { CommandId: 'running', Comment: COMMENT, Status: 'InProgress' },
    { CommandId: 'over', Comment: COMMENT, Status: 'Success' },
    { CommandId: 'foreign', Comment: 'somebody else', Status: 'InProgress' },
  ];
  const { context, of } = aws({ commands });
  const { owned } = await claimInstance(context, run, 'i-clone', NEVER);
  await cancelCommands(context, run, owned, NEVER);
  expect(of('CancelCommand').map(({ input }) => input)).toEqual([{ CommandId: 'running', InstanceIds: ['i-clone'] }]);
  const client = { send: () => Promise.reject(refusal('AccessDeniedException')) };
  const denied = { ...context, clients: { ...context.clients, ssm: client } } as unknown as Ec2Context;
  await expect(cancelCommands(denied, run, owned, NEVER)).resolves.toBeUndefined();
});

test.each([
  ['with a profile is asked to end its command first', 'arn:aws:iam::1:instance-profile/agent', ['running']],
  ['without one can have none, and Systems Manager is not asked', undefined, []],
])('a machine that is removed and %s', async (_, profile, cancelled) => {
  const commands = [{ CommandId: 'running', Comment: COMMENT, Status: 'InProgress' }];
  const { context, of, names } = aws({ commands, profile });
  const removal = { run, done: true, keepCapture: true, replacedCaptures: 'keep' } as const;
  expect(await removeRunResources(context, removal, NEVER)).toEqual([]);
  expect(of('CancelCommand').map(({ input }) => input.CommandId)).toEqual(cancelled);
  const acts = names().filter((name) => /^(Cancel|Terminate|ListCommands)/.test(name));
  expect(acts).toEqual([
    ...(profile === undefined ? [] : ['ListCommandsCommand', 'CancelCommandCommand']),
    'TerminateInstancesCommand',
  ]);
});
