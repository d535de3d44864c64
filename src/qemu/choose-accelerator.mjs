// @ts-check
// Plain JavaScript over Node's own modules: the set-up, which runs before anything is installed, asks here as well.
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** @typedef {'kvm' | 'tcg'} Accelerator hardware virtualization, or software emulation, which works everywhere */

/**
 * @typedef {object} Verdict
 * @property {Accelerator} accelerator
 * @property {string} [kvmFailed] why /dev/kvm is of no use although it is there
 * @property {string} [nothingBoots] what QEMU said when not even an emulated machine came to its end
 */

/** How often the trial's loop turns: 2.1 s of emulation (2 cores of a virtual machine), 0.2 s on a processor of 3 GHz. */
const LOOP_TURNS = 400_000_000;
// Emulation needs 2.3 s for the trial; ten times that is a machine on which nothing else would be bearable either.
const EMULATION_LIMIT_MS = 30_000;
// A process that hangs inside the kernel (seen with a broken /dev/kvm) may not even obey SIGKILL; we go on.
const REAP_LIMIT_MS = 2_000;
const EXIT_PORT = 0xf4;
const EXIT_VALUE = 0x2a;
/** isa-debug-exit ends QEMU with (value << 1) | 1. */
const EXIT_CODE = (EXIT_VALUE << 1) | 1;

/**
 * How fast machines can run here: `kvm` when a trial machine does the same work with it sooner than with `tcg`. That
 * /dev/kvm opens says nothing: inside some virtual machines it needs 4.5 s for the firmware alone and does not end the
 * trial's loop in 15 s. The verdict is kept for this kernel and this QEMU, since the trial takes seconds.
 * @param {{ qemu: string, cacheFolder: string, signal: AbortSignal }} request
 * @returns {Promise<Verdict & { cached: boolean }>}
 */
export async function chooseAccelerator({ qemu, cacheFolder, signal }) {
  const mayUseKvm = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  const { size, mtimeMs } = await stat(qemu);
  const name = `accelerator-${release()}-qemu-${size}-${Math.floor(mtimeMs)}${mayUseKvm ? '' : '-no-kvm'}.json`;
  const file = join(cacheFolder, name);
  const kept = await readKept(file);
  if (kept) return { accelerator: kept, cached: true };
  const verdict = await tryOut({ qemu, mayUseKvm, signal });
  if (verdict.nothingBoots === undefined) await keep(file, verdict);
  return { ...verdict, cached: false };
}

/**
 * @param {{ qemu: string, mayUseKvm: boolean, signal: AbortSignal }} request
 * @returns {Promise<Verdict>}
 */
async function tryOut({ qemu, mayUseKvm, signal }) {
  const folder = await mkdtemp(join(tmpdir(), 'understudy-trial-'));
  try {
    const disk = join(folder, 'boot.img');
    await writeFile(disk, bootSector());
    const emulation = await boot({ qemu, accelerator: 'tcg', disk, limitMs: EMULATION_LIMIT_MS, signal });
    if (!emulation.passed) return { accelerator: 'tcg', nothingBoots: emulation.said };
    if (!mayUseKvm) return { accelerator: 'tcg' };
    const hardware = await boot({ qemu, accelerator: 'kvm', disk, limitMs: emulation.ms, signal });
    return hardware.passed ? { accelerator: 'kvm' } : { accelerator: 'tcg', kvmFailed: hardware.said };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @param {{ qemu: string, accelerator: Accelerator, disk: string, limitMs: number, signal: AbortSignal }} trial
 * @returns {Promise<{ passed: boolean, ms: number, said: string }>}
 */
async function boot({ qemu, accelerator, disk, limitMs, signal }) {
  signal.throwIfAborted();
  const args = [
    ...['-accel', accelerator, '-machine', 'pc', '-m', '32', '-display', 'none'],
    ...['-nodefaults', '-no-user-config', '-no-reboot'],
    ...['-drive', `file=${disk},format=raw,if=ide`, '-device', `isa-debug-exit,iobase=${EXIT_PORT},iosize=1`],
  ];
  const startedAt = performance.now();
  const { code, said } = await run(qemu, args, AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(limitMs))]));
  signal.throwIfAborted();
  return { passed: code === EXIT_CODE, ms: performance.now() - startedAt, said };
}

/**
 * @param {string} qemu
 * @param {readonly string[]} args
 * @param {AbortSignal} signal ends it
 * @returns {Promise<{ code: number | null, said: string }>}
 */
function run(qemu, args, signal) {
  return new Promise((resolve) => {
    const child = spawn(qemu, args, { stdio: ['ignore', 'ignore', 'pipe'], signal, killSignal: 'SIGKILL' });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said = `${said}${text}`.slice(-600);
    });
    /** @type {NodeJS.Timeout | undefined} */
    let reaping;
    /** @param {number | null} code */
    const end = (code) => {
      clearTimeout(reaping);
      resolve({ code, said: said.trim() || (signal.aborted ? 'it came to no end in time' : 'it said nothing') });
    };
    child.on('error', (error) => {
      if (signal.aborted) reaping = setTimeout(end, REAP_LIMIT_MS, null);
      else said = error.message;
    });
    child.on('close', end);
  });
}

/** One sector of machine code: mov ecx, LOOP_TURNS; dec ecx; jnz to the dec; mov al, EXIT_VALUE; out EXIT_PORT, al; hlt. */
function bootSector() {
  const sector = Buffer.alloc(512);
  sector.set([0x66, 0xb9, 0, 0, 0, 0, 0x66, 0x49, 0x75, 0xfc, 0xb0, EXIT_VALUE, 0xe6, EXIT_PORT, 0xf4]);
  sector.writeUInt32LE(LOOP_TURNS, 2);
  sector.set([0x55, 0xaa], 510); // what makes it bootable
  return sector;
}

/**
 * @param {string} file
 * @returns {Promise<Accelerator | undefined>}
 */
async function readKept(file) {
  try {
    const { accelerator } = JSON.parse(await readFile(file, 'utf8'));
    return accelerator === 'kvm' || accelerator === 'tcg' ? accelerator : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} file
 * @param {Verdict} verdict
 */
async function keep(file, { accelerator }) {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, JSON.stringify({ accelerator }));
  await rename(unfinished, file);
}
