// @ts-check
import { findOnPath, lastWords, run } from './command.mjs';
import { SetupError } from './failure.mjs';

/**
 * The machine emulator and its image tool.
 * @param {{ env: NodeJS.ProcessEnv }} context
 * @returns {Promise<{ system: string, img: string, version: string }>}
 */
export async function requireQemu({ env }) {
  const system = findOnPath('qemu-system-x86_64', env);
  const img = findOnPath('qemu-img', env);
  const remedy = 'put the folder of qemu-system-x86_64 and qemu-img (usually /usr/bin) on the PATH';
  if (!system || !img) throw new SetupError('QEMU is installed but not on the PATH', remedy);
  const outcome = await run(system, ['--version'], { timeoutMs: 20_000 });
  const version = /version (\d+\.\d+(?:\.\d+)?)/.exec(outcome.stdout)?.[1];
  if (version) return { system, img, version };
  throw new SetupError(`${system} does not run: ${lastWords(outcome)}`, 'install qemu-system-x86 again');
}
