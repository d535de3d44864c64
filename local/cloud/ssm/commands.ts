import type { Cloud } from '../cloud.ts';
import type { CommandRecord, InvocationRecord } from '../records.ts';
import { asOf } from './invocation.ts';

/** All commands, newest first, each as it is now. */
export function allCommands(cloud: Cloud): CommandRecord[] {
  return cloud.db.commands
    .all()
    .map((command) => ({
      ...command,
      invocations: command.invocations.map((invocation) => asOf(command, invocation, cloud.now())),
    }))
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
}

/** Those that lists and reads already know: AWS shows a command a moment after it was sent. */
export function visibleCommands(cloud: Cloud): CommandRecord[] {
  const { invocationLagMs } = cloud.settings.ssm;
  return allCommands(cloud).filter(({ createdAt }) => createdAt + invocationLagMs <= cloud.now());
}

/** Replaces one machine's part of a command; durable when it returns. */
export function putInvocation({ db }: Cloud, commandId: string, changed: InvocationRecord): void {
  const command = db.commands.get(commandId);
  if (command === undefined) return;
  const invocations = command.invocations.map((invocation) =>
    invocation.instanceId === changed.instanceId ? changed : invocation,
  );
  db.commands.put({ ...command, invocations });
}
