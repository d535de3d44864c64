import type { CliDeps } from './deps.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Failure } from './failure.ts';
import { jsonLines } from './json-lines.ts';
import { terminalText } from './terminal-text.ts';

/** How a command ends; runCli (program.ts) turns it into the process's exit code. */
export class CommandEnd extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode) {
    super(`command ended with ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** What, why, remedy and code: four facts, whichever form is asked for. */
export function writeFailure(
  { stdout, stderr }: Pick<CliDeps, 'stdout' | 'stderr'>,
  what: string,
  failure: Failure,
  { json = false }: { readonly json?: boolean | undefined } = {},
): void {
  const indented = terminalText(failure.message).replaceAll('\n', '\n  ');
  stderr.write(`${what} failed: ${indented}\n  remedy  ${failure.remedy}\n  code    ${failure.code}\n`);
  if (json) jsonLines(stdout).failure(failure);
}
