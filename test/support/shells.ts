import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { must } from '../../local/up/named.ts';
import { guestImage } from './guest-image.ts';
import { temporaryFolder } from './vault-fixture.ts';

/** Runs a script with its arguments and environment; resolves with what it printed. */
export type RunScript = (text: string, args: readonly string[], env?: NodeJS.ProcessEnv) => Promise<string>;

/** Shells that production's own machine may have, as commands that take a script's path. */
export async function productionShells(): Promise<readonly (readonly string[])[]> {
  return [['dash'], ['bash', '--posix'], [(await guestImage()).busybox, 'sh']];
}

/** Once with each of them. */
export async function inEachShell(work: (run: RunScript) => Promise<void>): Promise<void> {
  const ends = (await productionShells()).map(async ([program = 'sh', ...first]) => {
    const script = join(await temporaryFolder(), 'script.sh');
    await work(async (text, args, env = {}) => {
      await writeFile(script, text);
      const { stdout } = await promisify(execFile)(program, [...first, script, ...args], {
        env: { PATH: process.env.PATH, LANG: 'C', ...env },
      });
      return stdout;
    });
  });
  await Promise.all(ends);
}

/** One function of a script, as its text; nothing else of the script need run. */
export function shellFunction(script: string, name: string): string {
  const [text] = new RegExp(`^${name}\\(\\) \\{\\n[\\s\\S]*?^\\}\\n`, 'm').exec(script) ?? [];
  return must(text, `${name} in the script`);
}
