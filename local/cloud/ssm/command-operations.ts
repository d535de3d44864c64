import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import type { CommandRecord, InvocationRecord, InvocationStatus } from '../records.ts';
import { jsonOperation } from '../wire/json-service.ts';
import { allCommands, putInvocation, visibleCommands } from './commands.ts';
import { cancel } from './invocation.ts';
import { pageOf } from './pages.ts';

const LIST = {
  CommandId: z.string().optional(),
  InstanceId: z.string().optional(),
  MaxResults: z.int().min(1).max(50).default(50),
  NextToken: z.string().optional(),
  Filters: z.array(z.strictObject({ key: z.string(), value: z.string() })).default([]),
};
type ListInput = z.output<z.ZodObject<typeof LIST>>;

const PLUGIN = 'aws:runShellScript';

export const commandOperations = {
  ListCommands: jsonOperation(z.strictObject(LIST), (cloud, input) => {
    const page = pageOf(chosen(cloud, input), { size: input.MaxResults, token: input.NextToken });
    return { Commands: page.items.map((command) => renderCommand(cloud, command)), ...page.next };
  }),

  ListCommandInvocations: jsonOperation(
    z.strictObject({ ...LIST, Details: z.boolean().default(false) }),
    (cloud, input) => {
      const page = pageOf(chosen(cloud, input), { size: input.MaxResults, token: input.NextToken });
      const CommandInvocations = page.items.flatMap((command) =>
        command.invocations
          .filter(({ instanceId }) => input.InstanceId === undefined || input.InstanceId === instanceId)
          .map((invocation) => renderListed(command, invocation, input.Details)),
      );
      return { CommandInvocations, ...page.next };
    },
  ),

  GetCommandInvocation: jsonOperation(
    z.strictObject({ CommandId: z.string(), InstanceId: z.string(), PluginName: z.string().optional() }),
    (cloud, { CommandId, InstanceId, PluginName }) => {
      const command = visibleCommands(cloud).find(({ id }) => id === CommandId);
      const invocation = command?.invocations.find(({ instanceId }) => instanceId === InstanceId);
      if (command === undefined || invocation === undefined) throw new CloudError('InvocationDoesNotExist', '');
      if (PluginName !== undefined && PluginName !== PLUGIN) {
        throw new CloudError('InvalidPluginName', `The plugin ${PluginName} is not part of the command`);
      }
      return renderInvocation(command, invocation);
    },
  ),

  /** Best effort: what runs may go on to its end. */
  CancelCommand: jsonOperation(
    z.strictObject({ CommandId: z.string(), InstanceIds: z.array(z.string()).default([]) }),
    (cloud, { CommandId, InstanceIds }) => {
      const command = allCommands(cloud).find(({ id }) => id === CommandId);
      if (command === undefined) throw new CloudError('InvalidCommandId', `The command ${CommandId} is not known`);
      for (const invocation of command.invocations) {
        if (InstanceIds.length > 0 && !InstanceIds.includes(invocation.instanceId)) continue;
        putInvocation(cloud, CommandId, cancel(invocation, cloud.now()));
      }
      return {};
    },
  ),
};

function chosen(cloud: Cloud, { CommandId, InstanceId, Filters }: ListInput): CommandRecord[] {
  const tests = Filters.map(({ key, value }) => filterTest(key, value));
  return visibleCommands(cloud).filter(
    (command) =>
      (CommandId === undefined || command.id === CommandId) &&
      (InstanceId === undefined || command.invocations.some(({ instanceId }) => instanceId === InstanceId)) &&
      tests.every((test) => test(command)),
  );
}

function filterTest(key: string, value: string): (command: CommandRecord) => boolean {
  if (key === 'Status') return ({ invocations }) => statusOf(invocations) === value;
  if (key === 'DocumentName') return () => value === 'AWS-RunShellScript';
  if (key === 'InvokedAfter') return ({ createdAt }) => createdAt >= Date.parse(value);
  if (key === 'InvokedBefore') return ({ createdAt }) => createdAt < Date.parse(value);
  throw new CloudError('InvalidFilterKey', `The filter ${key} is not implemented by the local cloud`);
}

/** The least finished of its machines, and of the finished ones the worst. */
const ORDER: readonly InvocationStatus[] = [
  'Cancelling',
  'InProgress',
  'Pending',
  'TimedOut',
  'Failed',
  'Cancelled',
  'Success',
];

function statusOf(invocations: readonly InvocationRecord[]): InvocationStatus {
  return ORDER.find((status) => invocations.some((invocation) => invocation.status === status)) ?? 'Pending';
}

export function renderCommand(cloud: Cloud, command: CommandRecord) {
  const { invocations } = command;
  const status = statusOf(invocations);
  const count = (wanted: (status: InvocationStatus) => boolean) =>
    invocations.filter((invocation) => wanted(invocation.status)).length;
  return {
    CommandId: command.id,
    DocumentName: 'AWS-RunShellScript',
    DocumentVersion: command.documentVersion,
    Comment: command.comment,
    Parameters: command.parameters,
    InstanceIds: invocations.map(({ instanceId }) => instanceId),
    Targets: [],
    RequestedDateTime: command.createdAt / 1_000,
    ExpiresAfter: command.createdAt / 1_000 + command.timeoutSeconds + command.executionSeconds,
    Status: status,
    StatusDetails: invocations.find((invocation) => invocation.status === status)?.details ?? status,
    TimeoutSeconds: command.timeoutSeconds,
    TargetCount: invocations.length,
    CompletedCount: count((one) => !['Pending', 'InProgress', 'Cancelling'].includes(one)),
    ErrorCount: count((one) => one === 'Failed'),
    DeliveryTimedOutCount: invocations.filter(({ details }) => details === 'DeliveryTimedOut').length,
    MaxConcurrency: '50',
    MaxErrors: '0',
    OutputS3BucketName: '',
    OutputS3KeyPrefix: '',
    OutputS3Region: cloud.settings.region,
  };
}

function renderInvocation(command: CommandRecord, invocation: InvocationRecord) {
  const time = (at: number | undefined) => (at === undefined ? '' : new Date(at).toISOString());
  return {
    CommandId: command.id,
    InstanceId: invocation.instanceId,
    Comment: command.comment,
    DocumentName: 'AWS-RunShellScript',
    DocumentVersion: command.documentVersion,
    PluginName: PLUGIN,
    ResponseCode: invocation.responseCode,
    ExecutionStartDateTime: time(invocation.startedAt),
    ExecutionEndDateTime: time(invocation.endedAt),
    Status: invocation.status,
    StatusDetails: invocation.details,
    StandardOutputContent: invocation.output,
    StandardOutputUrl: '',
    StandardErrorContent: invocation.error,
    StandardErrorUrl: '',
  };
}

function renderListed(command: CommandRecord, invocation: InvocationRecord, withDetails: boolean) {
  return {
    CommandId: command.id,
    InstanceId: invocation.instanceId,
    Comment: command.comment,
    DocumentName: 'AWS-RunShellScript',
    DocumentVersion: command.documentVersion,
    RequestedDateTime: command.createdAt / 1_000,
    Status: invocation.status,
    StatusDetails: invocation.details,
    StandardOutputUrl: '',
    StandardErrorUrl: '',
    CommandPlugins: withDetails
      ? [
          {
            Name: PLUGIN,
            Status: invocation.status,
            StatusDetails: invocation.details,
            ResponseCode: invocation.responseCode,
            Output: invocation.output,
          },
        ]
      : [],
  };
}
