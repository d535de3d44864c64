import { Command, CommanderError } from 'commander';
import { UnderstudyError } from '../errors.ts';
import { backupCommand } from './backup.ts';
import { collectCommand } from './collect.ts';
import { CommandEnd, writeFailure } from './command-end.ts';
import type { CliDeps } from './deps.ts';
import { drillCommand } from './drill.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { readFailure } from './failure.ts';
import { filesCommand } from './files.ts';
import { findCommand } from './find.ts';
import { historyCommand } from './history.ts';
import { holdCommand } from './hold.ts';
import { indexCommand } from './index-point.ts';
import { initCommand } from './init.ts';
import { jsonLines } from './json-lines.ts';
import { keysCommand } from './keys.ts';
import { mountCommand } from './mount.ts';
import { pointsCommand } from './points.ts';
import { recoverCommand } from './recover.ts';
import { restoreCommand } from './restore.ts';
import { retentionCommand } from './retention.ts';
import { runCommand } from './run.ts';
import { schedulesCommand } from './schedules.ts';
import { statusCommand } from './status.ts';
import { vaultCommand } from './vault.ts';
import { verifyCommand } from './verify.ts';
import { workerCommand } from './worker.ts';

/** Runs one command line and resolves with the exit code (design 6a); never ends the process itself. */
export async function runCli(args: readonly string[], deps: CliDeps): Promise<number> {
  const program = new Command('understudy')
    .description('Zero-impact, verified backups: clones a live machine, backs up the clone, restores it and asks it')
    .showHelpAfterError('(add --help for what is allowed)');
  for (const make of [
    backupCommand,
    pointsCommand,
    verifyCommand,
    filesCommand,
    findCommand,
    historyCommand,
    indexCommand,
    holdCommand,
    statusCommand,
    schedulesCommand,
    initCommand,
    workerCommand,
    drillCommand,
    recoverCommand,
    restoreCommand,
    mountCommand,
    runCommand,
    retentionCommand,
    collectCommand,
    vaultCommand,
    keysCommand,
  ]) {
    program.addCommand(make(deps));
  }
  prepare(program, deps);
  try {
    await program.parseAsync(args, { from: 'user' });
    return EXIT.done;
  } catch (error) {
    return endOf(error, args, deps);
  }
}

function prepare(command: Command, { stdout, stderr }: Pick<CliDeps, 'stdout' | 'stderr'>): void {
  command.exitOverride();
  command.configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) });
  for (const below of command.commands) prepare(below, { stdout, stderr });
}

const INTERRUPTED = {
  code: 'Interrupted',
  message: 'interrupted by a signal',
  remedy: 'run the same command again',
  context: {},
};

function endOf(error: unknown, args: readonly string[], deps: CliDeps): number {
  if (error instanceof CommandEnd) return error.exitCode;
  // Help and version are "errors" with exit code 0; everything else commander refuses is wrong usage, already told.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (deps.signal.aborted && !(error instanceof UnderstudyError)) {
    deps.stderr.write('interrupted\n');
    if (args.includes('--json')) jsonLines(deps.stdout).failure(INTERRUPTED);
    return EXIT.interrupted;
  }
  const failure = readFailure(error);
  writeFailure(
    deps,
    `understudy ${args.slice(0, ['vault', 'keys', 'files'].includes(args[0] ?? '') ? 2 : 1).join(' ')}`.trim(),
    failure,
    {
      json: args.includes('--json'),
    },
  );
  return exitCodeOf(failure);
}
