import { Argument, Command } from 'commander';
import type { CliDeps, WorkerRole } from './deps.ts';

export function workerCommand({ runWorker }: CliDeps): Command {
  return new Command('worker')
    .description('run a worker in the foreground until Ctrl-C; both roles are needed')
    .addArgument(
      new Argument('<role>', 'control steers, mover carries blocks').choices([
        'control',
        'mover',
      ] satisfies WorkerRole[]),
    )
    .action(async (role: WorkerRole) => runWorker(role));
}
