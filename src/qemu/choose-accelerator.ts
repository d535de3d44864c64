import { spawn } from 'node:child_process';
import { access, constants, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Accelerator = 'kvm' | 'tcg';

// Real virtualization needs 0.2 s for the trial's loop. Inside some virtual machines /dev/kvm opens and a machine takes
// longer for its firmware alone than this limit: there software emulation is faster.
const TRIAL_LIMIT_MS = 3_000;
/** 2.1 s of emulation on 2 cores of a virtual machine, 0.2 s on a processor of 3 GHz. */
const LOOP_TURNS = 400_000_000;
const EXIT_PORT = 0xf4;
const EXIT_VALUE = 0x2a;
/** isa-debug-exit ends QEMU with (value << 1) | 1. */
const EXIT_CODE = (EXIT_VALUE << 1) | 1;

/** `kvm` when a machine that does nothing but count ends in time with it, else `tcg`, which works everywhere. */
export async function chooseAccelerator(qemu: string, signal: AbortSignal): Promise<Accelerator> {
  const mayUse = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!mayUse) return 'tcg';
  const folder = await mkdtemp(join(tmpdir(), 'understudy-trial-'));
  try {
    const disk = join(folder, 'boot.img');
    await writeFile(disk, bootSector());
    return (await endsInTime(qemu, disk, signal)) ? 'kvm' : 'tcg';
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function endsInTime(qemu: string, disk: string, signal: AbortSignal): Promise<boolean> {
  const args = [
    ...['-accel', 'kvm', '-machine', 'pc', '-m', '32', '-display', 'none', '-nodefaults', '-no-reboot'],
    ...['-drive', `file=${disk},format=raw,if=ide`, '-device', `isa-debug-exit,iobase=${EXIT_PORT},iosize=1`],
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(qemu, args, {
      stdio: 'ignore',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TRIAL_LIMIT_MS)]),
      killSignal: 'SIGKILL',
    });
    child.on('error', () => {}); // killed at the limit; 'close' follows
    child.on('close', (code) => {
      if (signal.aborted) reject(signal.reason);
      else resolve(code === EXIT_CODE);
    });
  });
}

/** One sector of machine code: mov ecx, LOOP_TURNS; dec ecx; jnz to the dec; mov al, EXIT_VALUE; out EXIT_PORT, al; hlt. */
function bootSector(): Buffer {
  const sector = Buffer.alloc(512);
  sector.set([0x66, 0xb9, 0, 0, 0, 0, 0x66, 0x49, 0x75, 0xfc, 0xb0, EXIT_VALUE, 0xe6, EXIT_PORT, 0xf4]);
  sector.writeUInt32LE(LOOP_TURNS, 2);
  sector.set([0x55, 0xaa], 510); // what makes it bootable
  return sector;
}
