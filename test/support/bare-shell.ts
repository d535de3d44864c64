import { type ChildProcess, spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/understudy.mjs', import.meta.url));

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nothing but a path to programs: no Temporal, no configuration, no cloud. */
function bareEnvironment(): NodeJS.ProcessEnv {
  return { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`, HOME: '/nonexistent', LANG: 'C' };
}

/** A command line of the program as a process of its own. `onLine` sees each line of standard output, and the process. */
export function runProgram(
  args: readonly string[],
  { cwd, onLine }: { readonly cwd: string; readonly onLine?: (line: string, child: ChildProcess) => void },
): Promise<Ended> {
  return ended(spawn(process.execPath, [PROGRAM, ...args], { cwd, env: bareEnvironment() }), onLine);
}

/** A line of shell in which `understudy` is the program. */
export function runShell(line: string, cwd: string): Promise<Ended> {
  const script = `understudy() { "${process.execPath}" "${PROGRAM}" "$@"; }\n${line}`;
  return ended(spawn('bash', ['-c', script], { cwd, env: bareEnvironment() }));
}

function ended(child: ChildProcess, onLine?: (line: string, child: ChildProcess) => void): Promise<Ended> {
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
    for (const line of text.split('\n')) if (line !== '') onLine?.(line, child);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, ...output }));
  });
}
