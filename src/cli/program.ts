import { Command, CommanderError } from 'commander';
import { ConfigurationError, UnderstudyError } from '../errors.ts';
import { CommandEnd, writeFailure } from './command-end.ts';
import type { CliDeps } from './deps.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { readFailure } from './failure.ts';
import { jsonLines } from './json-lines.ts';

/** Each loads when it is asked for: all of them together are 60 modules. */
const COMMANDS: Readonly<Record<string, () => Promise<(deps: CliDeps) => Command>>> = {
  backup: async () => (await import('./backup.ts')).backupCommand,
  points: async () => (await import('./points.ts')).pointsCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  files: async () => (await import('./files.ts')).filesCommand,
  find: async () => (await import('./find.ts')).findCommand,
  history: async () => (await import('./history.ts')).historyCommand,
  index: async () => (await import('./index-point.ts')).indexCommand,
  hold: async () => (await import('./hold.ts')).holdCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  schedules: async () => (await import('./schedules.ts')).schedulesCommand,
  init: async () => (await import('./init.ts')).initCommand,
  worker: async () => (await import('./worker.ts')).workerCommand,
  drill: async () => (await import('./drill.ts')).drillCommand,
  recover: async () => (await import('./recover.ts')).recoverCommand,
  restore: async () => (await import('./restore.ts')).restoreCommand,
  mount: async () => (await import('./mount.ts')).mountCommand,
  run: async () => (await import('./run.ts')).runCommand,
  retention: async () => (await import('./retention.ts')).retentionCommand,
  collect: async () => (await import('./collect.ts')).collectCommand,
  vault: async () => (await import('./vault.ts')).vaultCommand,
  keys: async () => (await import('./keys.ts')).keysCommand,
};

/** Runs one command line and resolves with the exit code; never ends the process itself. */
export async function runCli(args: readonly string[], deps: CliDeps): Promise<number> {
  const program = new Command('understudy')
    .description('Zero-impact, verified backups: clones a live machine, backs up the clone, restores it and asks it')
    .option('-V, --version', 'print the version');
  for (const load of loadersFor(args)) program.addCommand((await load())(deps));
  prepare(program, deps);
  try {
    // Read only when it is asked for.
    if (args[0] === '-V' || args[0] === '--version') {
      const { readToolVersion } = await import('../workers/tool-version.ts');
      deps.stdout.write(`${await readToolVersion()}\n`);
      return EXIT.done;
    }
    await program.parseAsync(args, { from: 'user' });
    return EXIT.done;
  } catch (error) {
    return endOf(error, args, deps);
  }
}

/** The named command alone; where none is named, by help or by a typing error, all of them. */
function loadersFor([name]: readonly string[]) {
  const asked = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return asked ? [asked] : Object.values(COMMANDS);
}

/** Of 80 columns the longest command leaves 38 for what it does; commander wraps from 40 on, and a terminal inside of words. */
const LEAST_WRAPPED = 20;

function prepare(command: Command, { stdout, stderr }: Pick<CliDeps, 'stdout' | 'stderr'>): void {
  command.exitOverride();
  command.showHelpAfterError('(add --help for what is allowed)');
  command.configureHelp({ minWidthToWrap: LEAST_WRAPPED });
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
  if (error instanceof CommanderError) return endOfUsage(error, args, deps);
  if (deps.signal.aborted && !(error instanceof UnderstudyError)) {
    deps.stderr.write('interrupted\n');
    if (args.includes('--json')) jsonLines(deps.stdout).failure(INTERRUPTED);
    return EXIT.interrupted;
  }
  const failure = readFailure(error);
  writeFailure(deps, `understudy ${nameOf(args)}`.trim(), failure, { json: args.includes('--json') });
  return exitCodeOf(failure);
}

/** As a person calls it. */
function nameOf([first = '', second = '']: readonly string[]): string {
  const isPair = ['vault', 'keys', 'files', 'retention'].includes(first) || `${first} ${second}` === 'restore table';
  return isPair ? `${first} ${second}` : first;
}

/** Help and version are "errors" with exit code 0; everything else commander refuses is wrong usage, told to people already. */
function endOfUsage({ exitCode, message }: CommanderError, args: readonly string[], deps: CliDeps): number {
  if (exitCode === 0) return EXIT.done;
  if (args.includes('--json')) {
    const refusal = new ConfigurationError('InvalidInput', message.replace(/^error: /, ''));
    jsonLines(deps.stdout).failure(readFailure(refusal));
  }
  return EXIT.usage;
}
