import { execFile } from 'node:child_process';
import { withLabEnv } from '../../local/up/lab-env.ts';
import type { LabEnv } from '../../local/up/product.ts';
import { understudy } from '../../local/up/product.ts';

export interface TerminalSession {
  readonly exitCode: number;
  /** Everything that a person's terminal would have been sent, escapes included. */
  readonly output: string;
}

/** Runs `understudy …` on a terminal of its own (util-linux `script`), so that it shows what a person would see live. */
export function runOnTerminal(args: readonly string[], env: LabEnv): Promise<TerminalSession> {
  const { command, args: before } = understudy(args);
  const line = [command, ...before].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  return new Promise((resolve, reject) => {
    execFile(
      'script',
      ['-q', '-e', '-c', `stty cols 250 rows 60; exec ${line}`, '/dev/null'],
      { env: { ...withLabEnv(process.env, env), TERM: 'xterm', SHELL: '/bin/sh' }, maxBuffer: 16 << 20 },
      (error, stdout) => {
        if (error && typeof error.code !== 'number') reject(error);
        else resolve({ exitCode: Number(error?.code ?? 0), output: stdout });
      },
    );
  });
}
