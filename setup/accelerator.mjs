// @ts-check
import { constants } from 'node:fs';
import { access, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastWords, run } from './command.mjs';
import { SetupError } from './failure.mjs';
import { formatSeconds } from './steps.mjs';

/** @typedef {'kvm' | 'tcg'} Accelerator */

/** How often the trial's loop turns: 2.1 s more of emulation (2 cores of a virtual machine), 0.2 s on a processor of 3 GHz. */
const LOOP_TURNS = 400_000_000;

// Emulation needs 2.3 s for the trial; ten times that is a machine on which nothing else would be bearable either.
const EMULATION_LIMIT_MS = 30_000;

const EXIT_PORT = 0xf4;
const EXIT_VALUE = 0x2a;
/** isa-debug-exit ends QEMU with (value << 1) | 1. */
const EXIT_CODE = (EXIT_VALUE << 1) | 1;

/**
 * How fast the machines can run here: `kvm` when a trial machine does the same work with it sooner than with `tcg`
 * (software emulation). That /dev/kvm opens says nothing: inside some virtual machines it needs 4.5 s for the firmware
 * alone and does not end the trial's loop in 15 s. The verdict is kept per kernel and QEMU version.
 * @param {{ env: NodeJS.ProcessEnv, cacheDir: string, qemu: string, qemuVersion: string, signal: AbortSignal,
 *   note: (text: string) => void }} context
 * @returns {Promise<{ accel: Accelerator, cached: boolean }>}
 */
export async function findAccelerator({ env, cacheDir, qemu, qemuVersion, signal, note }) {
  const mayUseKvm = await isUsable('/dev/kvm');
  const file = join(cacheDir, `accelerator-${release()}-qemu${qemuVersion}${mayUseKvm ? '' : '-no-kvm'}.json`);
  const known = await readVerdict(file);
  if (known) return { accel: known, cached: true };
  const accel = await tryOut({ env, qemu, mayUseKvm, signal, note });
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, JSON.stringify({ accel }));
  await rename(unfinished, file);
  return { accel, cached: false };
}

/**
 * @param {{ env: NodeJS.ProcessEnv, qemu: string, mayUseKvm: boolean, signal: AbortSignal, note: (text: string) => void }} context
 * @returns {Promise<Accelerator>}
 */
async function tryOut({ env, qemu, mayUseKvm, signal, note }) {
  const folder = await mkdtemp(join(tmpdir(), 'understudy-trial-'));
  try {
    const disk = join(folder, 'boot.img');
    await writeFile(disk, bootSector());
    const emulation = await boot('tcg', EMULATION_LIMIT_MS);
    if (!emulation.passed) {
      throw new SetupError(
        `QEMU does not boot a machine (${emulation.said})`,
        `make "${qemu} -accel tcg" work, for example by installing qemu-system-x86 again`,
      );
    }
    if (!mayUseKvm) return 'tcg';
    const hardware = await boot('kvm', emulation.ms);
    if (hardware.passed) return 'kvm';
    note(`/dev/kvm is there but of no use (${hardware.said}): software emulation instead`);
    return 'tcg';

    /** @param {Accelerator} accel @param {number} timeoutMs */
    async function boot(accel, timeoutMs) {
      const startedAt = performance.now();
      const trial = await run(qemu, machine(accel, disk), { env, signal, timeoutMs });
      signal.throwIfAborted();
      const said = trial.timedOut ? `no end within ${formatSeconds(timeoutMs)}` : lastWords(trial);
      return { passed: trial.code === EXIT_CODE, ms: performance.now() - startedAt, said };
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @param {Accelerator} accel
 * @param {string} disk
 */
function machine(accel, disk) {
  return [
    ...[
      '-accel',
      accel,
      '-machine',
      'pc',
      '-m',
      '32',
      '-display',
      'none',
      '-nodefaults',
      '-no-user-config',
      '-no-reboot',
    ],
    ...['-drive', `file=${disk},format=raw,if=ide,read-only=off`],
    ...['-device', `isa-debug-exit,iobase=${EXIT_PORT},iosize=1`],
  ];
}

/**
 * One sector of machine code: mov ecx, LOOP_TURNS; dec ecx; jnz to the dec; mov al, EXIT_VALUE; out EXIT_PORT, al; hlt.
 */
function bootSector() {
  const sector = Buffer.alloc(512);
  sector.set([0x66, 0xb9, 0, 0, 0, 0, 0x66, 0x49, 0x75, 0xfc, 0xb0, EXIT_VALUE, 0xe6, EXIT_PORT, 0xf4]);
  sector.writeUInt32LE(LOOP_TURNS, 2);
  sector.set([0x55, 0xaa], 510); // what makes it bootable
  return sector;
}

/** @param {string} path */
async function isUsable(path) {
  try {
    await access(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} file
 * @returns {Promise<Accelerator | undefined>}
 */
async function readVerdict(file) {
  try {
    const { accel } = JSON.parse(await readFile(file, 'utf8'));
    return accel === 'kvm' || accel === 'tcg' ? accel : undefined;
  } catch {
    return undefined;
  }
}
